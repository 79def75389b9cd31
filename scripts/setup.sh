#!/usr/bin/env bash
# Makes this clone ready to build: checks the tools, fetches MLX, builds mlx-c, writes .cargo/config.toml.
#
# Run by `make setup`, `make run` and `make test`. Safe to run again: what is there already is not done twice.
# What it fetches and builds goes to a cache folder that all clones share, never into the repository.
#
#   MLX_BACKEND=cuda     on Linux: MLX for NVIDIA cards (CUDA 13). Default: cpu. On a Mac it is always Metal.
#   MOSHIBAR_MLX=stock   on a Mac with full Xcode: let mlx-sys build MLX itself, from source.
#   MOSHIBAR_CACHE=DIR   the cache folder. Default: ~/.cache/moshibar, on a Mac ~/Library/Caches/moshibar.
#
# The macOS half follows the same recipe as the Linux half, but has not been run on a Mac yet.
set -euo pipefail
SECONDS=0
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"

config=$root/.cargo/config.toml
signature="# Written by scripts/setup.sh, which writes it again when something changes."

# ---- Tools ----------------------------------------------------------------------------------------------------------

check_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    if ! have cargo || ! have rustc; then
        stop "Rust is missing. Moshibar needs Rust $wanted or newer. To get it:" \
            "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" \
            "Then open a new terminal and run this again."
    fi
    found=$(rustc --version | cut -d' ' -f2)
    at_least "$wanted" "$found" ||
        stop "Rust $found is too old. Moshibar needs $wanted or newer. To update: rustup update stable"
}

missing_packages() { # by their Debian and Ubuntu names
    local pair
    for pair in cmake:cmake ninja:ninja-build g++:g++ make:make git:git python3:python3; do
        have "${pair%%:*}" || echo "${pair#*:}"
    done
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || echo python3-venv
    [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || echo libclang-dev
    [ -e /usr/include/fmt/format.h ] || echo libfmt-dev
    # Sound: cpal speaks to PipeWire and, where that does not run, to ALSA. bindgen reads PipeWire's headers with clang's own.
    have pkg-config || echo pkg-config
    [ -e /usr/include/alsa/asoundlib.h ] || echo libasound2-dev
    [ -e /usr/include/pipewire-0.3/pipewire/pipewire.h ] || echo libpipewire-0.3-dev
    have clang || compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' >/dev/null || echo clang
    # The app: its windows are WebKitGTK's, its icon in the panel is Ayatana's.
    [ -e /usr/include/webkitgtk-4.1/webkit2/webkit2.h ] || echo libwebkit2gtk-4.1-dev
    [ -e /usr/include/libayatana-appindicator3-0.1/libayatana-appindicator/app-indicator.h ] || echo libayatana-appindicator3-dev
    [ -e /usr/include/librsvg-2.0/librsvg/rsvg.h ] || echo librsvg2-dev
    [ -e /usr/include/xdo.h ] || echo libxdo-dev
}

check_linux_tools() {
    local glibc
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2) || true
    at_least 2.35 "${glibc:-0}" ||
        stop "MLX needs glibc 2.35 or newer (Debian 12, Ubuntu 22.04). This system has ${glibc:-another C library}."
    install_packages
    # What cpal is compiled with. The program starts with an older one, too (scripts/package.sh).
    pkg-config --atleast-version=0.3.53 libpipewire-0.3 ||
        stop "Moshibar is built with PipeWire 0.3.53 or newer (Debian 12, Ubuntu 24.04)." \
            "This system has $(pkg-config --modversion libpipewire-0.3 || echo none). The program that make package makes runs here too."
}

install_packages() {
    local packages as_root=()
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -gt 0 ] || return 0
    have apt-get || stop "These are missing (Debian's names): ${packages[*]}" "Please install them, then run this again."
    if [ "$(id -u)" != 0 ]; then
        have sudo || stop "These system packages are missing: ${packages[*]}" "As root, please run:" \
            "    apt-get update && apt-get install --no-install-recommends ${packages[*]}"
        as_root=(sudo)
    fi
    say "installing these system packages with apt-get: ${packages[*]}"
    "${as_root[@]}" apt-get -qq update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}" >&2
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} = 0 ] || stop "These are still missing: ${packages[*]}" "Is another python3 first on your PATH?"
}

check_mac_tools() {
    local developer tools
    developer=$(xcode-select -p 2>/dev/null) ||
        stop "Apple's Command Line Tools are missing. To install them: xcode-select --install" "Then run this again."
    python3 -c 'import ensurepip, venv' || stop "python3 does not work. The Command Line Tools bring one."

    # libclang must be Apple's: the one on PyPI comes without the compiler's own headers.
    for LIBCLANG_PATH in "$developer/usr/lib" "$developer/Toolchains/XcodeDefault.xctoolchain/usr/lib" ""; do
        [ ! -e "$LIBCLANG_PATH/libclang.dylib" ] || break
    done
    [ -n "$LIBCLANG_PATH" ] || stop "There is no libclang.dylib under $developer."
    export LIBCLANG_PATH

    # cmake and ninja from PyPI, so that Homebrew is not needed.
    tools=$cache/mac-tools-$(short_hash <"$here/mac-tools.txt")
    make_once "$tools" unpack_mac_tools
    PATH=$tools/bin:$PATH
}

unpack_mac_tools() { # unpack_mac_tools <out>
    unpack_wheels "$here/mac-tools.txt" macosx_14_0_arm64 "$1"
    chmod +x "$1"/cmake/data/bin/* "$1"/ninja-*.data/scripts/ninja
    mkdir "$1/bin"
    (cd "$1/bin" && ln -s ../cmake/data/bin/cmake ../ninja-*.data/scripts/ninja .)
}

# ---- MLX ------------------------------------------------------------------------------------------------------------

mlx_sys_folder() { # where Cargo unpacked the mlx-sys that Cargo.lock names
    local metadata
    cd "$root"
    if ! cargo fetch --quiet --locked; then
        [ -z "${CI:-}" ] || stop "Cargo could not fetch what Cargo.lock names."
        say "trying once more, and letting Cargo bring Cargo.lock up to date." >&2
        cargo fetch || stop "Cargo could not fetch the crates. Is there a network?"
    fi
    metadata=$(cargo metadata --format-version 1 --offline --filter-platform "$target") || stop "cargo metadata failed."
    python3 -c '
import json, os, sys
[path] = [p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "mlx-sys"]
print(os.path.dirname(path))' <<<"$metadata"
}

inputs_of_mlx_c() { # everything that shapes what mlx-c.sh makes
    cat "$here/mlx-c.sh" "$here/compat.h" "$here/cmake/MLXConfig.cmake"
    cat "$here/bindgen-host/Cargo.lock" "$here/bindgen-host/src/main.rs"
    hash_files "$mlx_sys/src"
    hash_files "$mlx/mlx/include/mlx"
    "${CXX:-c++}" --version | head -n 1
}

toml_string() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

toml_list() {
    local item list=
    for item; do list+="${list:+, }$(toml_string "$item")"; done
    echo "[$list]"
}

write_config() { # replaces .cargo/config.toml by standard input, if they differ
    mkdir -p "$root/.cargo"
    cat >"$config.new"
    if cmp -s "$config.new" "$config"; then
        rm "$config.new"
        return
    fi
    if [ -e "$config" ] && [ "$(head -n 1 "$config")" != "$signature" ]; then
        rm "$config.new"
        stop "$config was not written by this script. Please move it away, then run this again."
    fi
    mv "$config.new" "$config"
    say "wrote .cargo/config.toml"
}

override_mlx_sys() { # tells Cargo to link what lies in the cache, instead of running the build script of mlx-sys
    # The folders' names change with their contents, so Cargo notices every change by itself.
    # Where programs look for MLX: where `make install` puts it, seen from the program; then in the
    # cache, for what runs in a clone. What people get is linked without the second
    # (scripts/package/program.sh).
    local libraries=("static=mlxc" "dylib=mlx") link_args=("-C" "link-arg=-Wl,-rpath,$installed_mlx,-rpath,$mlx/mlx/lib")
    if [ "$os" = Darwin ]; then
        libraries+=("dylib=c++" "dylib=objc" "framework=Foundation" "framework=Metal" "framework=Accelerate")
    else
        libraries+=("dylib=stdc++")
    fi
    if [ "$wheel" = mlx-cuda-13 ]; then
        link_args+=("-C" "link-arg=-Wl,--allow-shlib-undefined") # NVIDIA's libraries need not be there to build
    fi
    write_config <<EOF
$signature
[target.$target]
rustflags = $(toml_list "${link_args[@]}")
rustdocflags = $(toml_list "${link_args[@]}")

# Stands in for the build script of mlx-sys, which would fetch and compile MLX.
[target.$target.mlx]
rustc-link-search = $(toml_list "native=$mlx_c" "native=$mlx/mlx/lib")
rustc-link-lib = $(toml_list "${libraries[@]}")
rustc-env = { OUT_DIR = $(toml_string "$mlx_c") }
EOF
}

use_stock_mlx() {
    [ "$os" = Darwin ] || stop "MOSHIBAR_MLX=stock works on a Mac only: mlx-sys builds MLX for Apple's systems alone."
    have cmake || stop "MOSHIBAR_MLX=stock needs cmake. For example: brew install cmake"
    xcrun --find metal >/dev/null 2>&1 ||
        stop "MOSHIBAR_MLX=stock needs full Xcode and its Metal compiler: xcodebuild -downloadComponent MetalToolchain"
    write_config <<EOF
$signature
# MOSHIBAR_MLX=stock: nothing is overridden, so mlx-sys fetches MLX and compiles it.
EOF
    say "done. The first build will compile MLX, which takes a while."
}

# ---- What happens ---------------------------------------------------------------------------------------------------

check_rust
target=$(rustc -vV | sed -n 's/^host: //p')
case "$target ${MLX_BACKEND:-default}" in
"x86_64-unknown-linux-gnu default" | "x86_64-unknown-linux-gnu cpu") wheel=mlx-cpu platform=manylinux_2_35_x86_64 ;;
"x86_64-unknown-linux-gnu cuda") wheel=mlx-cuda-13 platform=manylinux_2_35_x86_64 ;;
"aarch64-apple-darwin default" | "aarch64-apple-darwin metal") wheel=mlx-metal platform=macosx_14_0_arm64 ;;
x86_64-unknown-linux-gnu\ *) stop "MLX_BACKEND=$MLX_BACKEND is not known on Linux. It may be cpu or cuda." ;;
aarch64-apple-darwin\ *) stop "MLX_BACKEND=$MLX_BACKEND is not known on a Mac. It may be metal." ;;
*) stop "Moshibar builds on Linux (x86-64, glibc) and on Macs with Apple silicon. This Rust builds for $target." ;;
esac

case ${MOSHIBAR_MLX:-wheel} in
wheel) ;;
stock)
    use_stock_mlx
    exit
    ;;
*) stop "MOSHIBAR_MLX=$MOSHIBAR_MLX is not known. It may be wheel (the default) or stock." ;;
esac

if [ "$os" = Darwin ]; then check_mac_tools; else check_linux_tools; fi

# MLX itself, as its authors built it.
mlx=$(folder_of "$here/$wheel.txt")
make_once "$mlx" unpack_wheels "$here/$wheel.txt" "$platform"

# mlx-c and its bindings, from the sources inside the mlx-sys crate.
mlx_sys=$(mlx_sys_folder) || exit 1
mlx_c=$cache/mlx-c-${mlx_sys##*/mlx-sys-}-$(inputs_of_mlx_c | short_hash)
make_once "$mlx_c" "$here/mlx-c.sh" "$mlx_sys" "$mlx"

override_mlx_sys

if [ -n "${RUSTFLAGS:-}" ]; then
    say "warning: RUSTFLAGS is set. Cargo then ignores those in .cargo/config.toml, and programs will not find MLX."
fi
if [ "$wheel" = mlx-cuda-13 ] && [ ! -d "$mlx/nvidia" ]; then
    say "note: to run on a GPU (not to build), MLX needs NVIDIA's libraries, more than a gigabyte. To get them:"
    needs=$(sed -n "s/^Requires-Dist: \(.*\)/'\1'/p" "$mlx"/*.dist-info/METADATA | paste -sd' ' -)
    say "    python3 -m pip install --target $mlx $needs"
fi
say "done in $SECONDS s. MLX: $mlx"
say "mlx-c and its bindings: $mlx_c"
