// Forced in front of every mlx-c source file on Linux. It closes two gaps without touching the sources.
#pragma once

#if defined(__x86_64__)
// mlx-c declares its 16-bit float calls only where the compiler has the Arm types. mlx-rs calls them everywhere.
// mlx-c passes the bits through and computes nothing with them, so a plain integer of the same size will do.
#include <stdint.h>
#define HAS_FLOAT16
#define HAS_BFLOAT16
typedef uint16_t float16_t;
typedef uint16_t bfloat16_t;
#endif

#ifdef __cplusplus
#include <version>
#ifndef __cpp_lib_format
// gcc 12 has no std::format yet; fmt is the library it was standardised from.
#include <fmt/format.h>
namespace std {
using fmt::format;
}
#endif
#endif
