#!/usr/bin/env bash
# Builds what mlx-sys would have built itself: libmlxc.a and bindings.rs.
#
# usage: mlx-c.sh <mlx-sys crate> <unpacked MLX wheel> <out>       (called by scripts/setup.sh; <out> must exist)
#
# The C++ sources of mlx-c lie inside the mlx-sys crate. They are compiled against the headers of the wheel.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mlx_sys=$1 mlx=$2 out=$3
sources=$mlx_sys/src/mlx-c
build=$out/build
os=$(uname -s)
mkdir -p "$build"
# Cargo takes its settings from the current folder upwards: those of the repository must not reach the helper.
cd "$build"

quietly() { # runs a command; shows what it printed only if it fails
    "$@" >"$build/log.txt" 2>&1 || {
        echo "setup: this command failed: $*" >&2
        tail -n 60 "$build/log.txt" >&2
        exit 1
    }
}

echo "setup: generating the Rust bindings of mlx-c with bindgen."
if [ "$os" = Darwin ]; then
    clang_args="--target=arm64-apple-macosx14.0 -isysroot '$(xcrun --show-sdk-path)'"
else
    # mlx-rs expects the 16-bit float types, which the headers declare only for Arm. So the bindings are made for Arm,
    # from the C library headers of this machine (hence its include folder, and __x86_64__ for those headers).
    clang_args="--target=aarch64-unknown-linux-gnu -march=armv8.6-a+bf16+fp16"
    clang_args+=" -isystem/usr/include/x86_64-linux-gnu -D__x86_64__"
fi
MLX_SYS_DIR=$mlx_sys quietly cargo build --locked --manifest-path "$here/bindgen-host/Cargo.toml" --target-dir "$build/bindgen-host"
BINDGEN_EXTRA_CLANG_ARGS=$clang_args quietly "$build/bindgen-host/debug/bindgen-host" "$sources" "$out/bindings.rs"

echo "setup: compiling mlx-c. This takes two to four minutes of processor time."
# What people get names no folder of the machine that built it: mlx-c's messages have their __FILE__
# in them.
nameless="-fmacro-prefix-map=$sources=/mlx-c"
if [ "$os" = Darwin ]; then
    platform=(-DCMAKE_OSX_ARCHITECTURES=arm64 -DCMAKE_OSX_DEPLOYMENT_TARGET=14.0 "-DCMAKE_CXX_FLAGS=$nameless")
else
    platform=("-DCMAKE_CXX_FLAGS=-include $here/compat.h -DFMT_HEADER_ONLY $nameless")
fi
quietly cmake -S "$sources" -B "$build/mlx-c" -G Ninja -DCMAKE_BUILD_TYPE=Release -DMLX_C_BUILD_EXAMPLES=OFF \
    -DMLX_C_USE_SYSTEM_MLX=ON "-DMLX_DIR=$here/cmake" "-DMOSHIBAR_MLX_HEADERS=$mlx/mlx/include" "${platform[@]}"
quietly cmake --build "$build/mlx-c"
mv "$build/mlx-c/libmlxc.a" "$out/"

cd "$out"
rm -rf "$build"
