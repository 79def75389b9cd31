# Sourced by the scripts that build for macOS on Linux: gets a cross toolchain into the cache and sets the environment for it.
#
# Nothing of Apple's is used. Compiler and linker are a pinned nightly Rust; its standard library is compiled from the source that
# Debian packages, because rustup's ready-made one is for networks that reach it. C is compiled by zig, which brings Darwin's headers.
# To link, a stub SDK says which library holds which symbol (stub_sdk.py). MLX is the wheel for Macs that `make setup` takes there.
#
#   MOSHIBAR_VENDOR=DIR   where Debian's package of rust-src lies. If this is not set and a folder `vendor` beside the
#                         repository, or in a folder beside it, has that package, it is taken from there. Otherwise it is downloaded.
# shellcheck shell=bash disable=SC2034
# shellcheck source-path=SCRIPTDIR source=../setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/../setup/cache.sh"
macos=$root/scripts/macos
target=aarch64-apple-darwin
minimum_os=14.0
crates=${CARGO_HOME:-$HOME/.cargo}/registry/src # where Cargo unpacks what others wrote; nothing that we link may name it

nightly_version="1.97.0-nightly (e50aa6fba 2026-05-19)"
nightly_name=nightly-2026-05-20
source_package=rust-src_1.97.1+dfsg1-1_all.deb
source_sha256=d0637f8f464234ffb12baa55fc0e851f5f9dcfd0199c1a0922e4488a4f591992

rcodesign=(rcodesign 0.29.0 "seven minutes of processor time" apple-codesign --no-default-features) # signs on Linux

[ "$os" = Linux ] || stop "this builds for macOS on Linux. On a Mac: make test, make dmg"
have rustup || stop "the pinned nightly Rust comes from rustup, which is missing: https://rustup.rs"
have dpkg-deb || stop "dpkg-deb is missing: this runs on Debian and Ubuntu."

# ---- Rust -----------------------------------------------------------------------------------------------------------

find_nightly() { # prints the folder of the toolchain whose version is the pinned one
    local name
    for name in $(rustup toolchain list | cut -d' ' -f1); do
        if [ "$(rustup run "$name" rustc --version 2>/dev/null)" = "rustc $nightly_version" ]; then
            rustup run "$name" rustc --print sysroot
            return
        fi
    done
    return 1
}

kept_source() { # prints where this machine has Debian's package of the standard library's source
    local folder folders=("$root"/../vendor "$root"/../*/vendor)
    [ -z "${MOSHIBAR_VENDOR:-}" ] || folders=("$MOSHIBAR_VENDOR")
    for folder in "${folders[@]}"; do
        [ ! -e "$folder/$source_package" ] || { echo "$folder/$source_package" && return; }
    done
    return 1
}

fetch_source() { # fetch_source <out>: the package as source.deb
    local kept
    if kept=$(kept_source); then
        cp "$kept" "$1/source.deb"
    else
        say "downloading $source_package from Debian. The hash is pinned in scripts/macos/toolchain.sh."
        download "$1/source.deb" "https://deb.debian.org/debian/pool/main/r/rustc/$source_package" \
            "https://snapshot.debian.org/archive/debian/20260801T000000Z/pool/main/r/rustc/$source_package" ||
            stop "it cannot be had. Please put $source_package into a folder and name that in MOSHIBAR_VENDOR."
    fi
    echo "$source_sha256  $1/source.deb" | sha256sum --check --quiet ||
        stop "$source_package is not the pinned one."
}

download() { # download <file> <url...>: the first that answers
    local file=$1 url
    shift
    for url; do
        python3 - "$url" "$file" <<'PYTHON' && return
import shutil, sys, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=60) as answer, open(sys.argv[2], "wb") as file:
        shutil.copyfileobj(answer, file)
except OSError as error:
    sys.exit(f"setup: {sys.argv[1]}: {error}")
PYTHON
    done
    return 1
}

make_toolchain() { # make_toolchain <out>: the nightly, with a standard library for the target
    local library=$1/lib/rustlib/$target/lib build=$work/std
    say "compiling Rust's standard library for $target, once. This takes a minute."
    rmdir "$1"
    cp -al "$nightly" "$1" 2>/dev/null || { # links cost nothing, where both are on one disk
        rm -rf "$1"
        cp -a "$nightly" "$1"
    }
    mkdir -p "$build/src" "$1/lib/rustlib/src/rust" "$library"
    fetch_source "$build"
    dpkg-deb --fsys-tarfile "$build/source.deb" | tar -x -C "$build" --wildcards './usr/src/rustc-*/library'
    ln -s "$build"/usr/src/rustc-*/library "$1/lib/rustlib/src/rust/library"
    touch "$build/src/lib.rs"
    # A build with `panic = "abort"` needs that one of the crates compiled with it; Cargo warns that the name matches nothing.
    cat >"$build/Cargo.toml" <<'TOML'
cargo-features = ["profile-rustflags"]

[package]
name = "standard-library"
version = "0.0.0"
edition = "2024"

[profile.release]
strip = "none"

[profile.release.package.panic_abort]
rustflags = ["-Cpanic=abort"]
TOML
    (
        cd "$build"
        PATH=$1/bin:$PATH MACOSX_DEPLOYMENT_TARGET=$minimum_os \
            RUSTFLAGS="--remap-path-prefix=$work=/rust --remap-path-prefix=$crates=/crates" \
            CARGO_TARGET_DIR=$build/target cargo build --quiet --release \
            -Z build-std=std,panic_abort,panic_unwind,proc_macro,test --target "$target"
    ) 2>"$build/log.txt" || {
        tail -n 40 "$build/log.txt" >&2
        stop "Rust's standard library cannot be compiled for $target."
    }
    cp "$build/target/$target/release/deps"/*.rlib "$library/"
    rm "$1/lib/rustlib/src/rust/library"
    rm -r "$build"
}

unpack_zig() { # unpack_zig <out>
    unpack_wheels "$macos/zig.txt" manylinux_2_12_x86_64 "$1"
    chmod +x "$1/ziglang/zig"
}

# Where every clone finds them: crates that compile C do it again when the compiler's path changes.
copy_compilers() { cp -P "$macos"/compilers/* "$1/"; } # copy_compilers <out>

# ---- What gets linked -----------------------------------------------------------------------------------------------

target_crates() { # every crate that others wrote and that a Mac needs, as "name version folder" lines
    cargo metadata --format-version 1 --locked --filter-platform "$target" | python3 -c '
import json, os, sys
for package in json.load(sys.stdin)["packages"]:
    if package["source"]:
        print(package["name"], package["version"], os.path.dirname(package["manifest_path"]))'
}

make_sdk() { # make_sdk <out>
    say "writing stubs of Apple's libraries, from the crates that name their symbols."
    target_crates >"$work/crates.txt"
    python3 "$macos/stub_sdk.py" --crates "$work/crates.txt" --symbols "$macos/symbols.txt" \
        --lib-system "$zig/ziglang/lib/libc/darwin/libSystem.tbd" "$1"
}

make_mlx_c() { # make_mlx_c <out>: libmlxc.a and bindings.rs, as scripts/setup/mlx-c.sh makes them on a Mac
    local mlx_sys sources build=$work/mlx-c
    mlx_sys=$(target_crates | awk '$1 == "mlx-sys" { print $3 }')
    sources=$mlx_sys/src/mlx-c
    mkdir -p "$build"
    say "generating the Rust bindings of mlx-c for a Mac."
    cd "$build" # away from the repository's Cargo settings
    MLX_SYS_DIR=$mlx_sys cargo build --quiet --locked --manifest-path "$root/scripts/setup/bindgen-host/Cargo.toml" \
        --target-dir "$build/bindgen-host"
    LIBCLANG_PATH=$(dirname "$(find "$libclang" -name libclang.so)") \
        BINDGEN_EXTRA_CLANG_ARGS="--target=arm64-apple-macosx$minimum_os -isystem $zig/ziglang/lib/include -isystem $zig/ziglang/lib/libc/include/any-darwin-any" \
        "$build/bindgen-host/debug/bindgen-host" "$sources" "$1/bindings.rs"
    say "compiling mlx-c for a Mac. This takes two minutes of processor time."
    # zig's headers for Darwin lose INFINITY and NAN in C++. And they think that every function of libc++ is there, which on
    # macOS 14 is not so: with the annotations that Apple's have, objects keep to what is.
    find "$sources/mlx/c" -name '*.cpp' ! -name object.cpp -printf '%f\0' |
        xargs -0 -P "$(nproc)" -I FILE "$CXX_aarch64_apple_darwin" -std=c++20 -O1 -fPIC \
            "-fmacro-prefix-map=$sources=/mlx-c" \
            -I "$sources" -I "$mlx/mlx/include" -I "$mlx/mlx/include/metal_cpp" \
            '-DINFINITY=__builtin_inff()' '-DNAN=__builtin_nanf("")' \
            -U_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS -D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=1 \
            -c "$sources/mlx/c/FILE" -o "$build/FILE.o"
    "$AR_aarch64_apple_darwin" rcs "$1/libmlxc.a" "$build"/*.o
    cd "$root"
    rm -r "$build"
}

# Nothing here names the clone, or each would compile everything anew; Cargo calls files of its own workspace by relative paths.
write_settings() { # write_settings <file>: what Cargo needs to know, in place of the build script of mlx-sys
    cat >"$1" <<TOML
[target.$target]
linker = "rust-lld"
rustflags = [
    "-Clink-arg=-rpath", "-Clink-arg=@executable_path/../Frameworks",
    "--remap-path-prefix=$crates=/crates",
    "--remap-path-prefix=$cache=/cache",
    "--remap-path-prefix=$toolchain=/toolchain", # so that Cargo knows what was compiled against another standard library
]

[target.$target.mlx]
rustc-link-search = ["native=$mlx_c", "native=$mlx/mlx/lib"]
rustc-link-lib = ["static=mlxc", "dylib=mlx", "dylib=c++", "dylib=objc", "framework=Foundation", "framework=Metal", "framework=Accelerate"]
rustc-env = { OUT_DIR = "$mlx_c" }
TOML
}

# ---- What happens ---------------------------------------------------------------------------------------------------

if ! nightly=$(find_nightly); then
    say "installing Rust $nightly_version with rustup."
    rustup toolchain install "$nightly_name" --profile minimal --component clippy >&2 ||
        stop "the pinned nightly Rust cannot be installed."
    nightly=$(find_nightly) || stop "$nightly_name is not Rust $nightly_version."
fi
toolchain=$cache/macos-rust-$({ echo "$nightly_version $source_sha256 $minimum_os" && declare -f make_toolchain; } | short_hash)

make_once "$toolchain" make_toolchain

zig=$cache/zig-$(short_hash <"$macos/zig.txt")
make_once "$zig" unpack_zig
libclang=$cache/libclang-$(short_hash <"$macos/libclang.txt")
make_once "$libclang" unpack_wheels "$macos/libclang.txt" manylinux2010_x86_64
venv=$cache/macos-python-$({ python3 -V && cat "$macos/python.txt"; } | short_hash)
make_once "$venv" make_venv "$macos/python.txt"
python=$venv/bin/python
mlx=$(folder_of "$here/mlx-metal.txt")
make_once "$mlx" unpack_wheels "$here/mlx-metal.txt" macosx_14_0_arm64

cd "$root"
export PATH=$toolchain/bin:$PATH LD_LIBRARY_PATH=$toolchain/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} # as rustup does, for rust-objcopy
export ZIG=$zig/ziglang/zig ZIG_GLOBAL_CACHE_DIR=$cache/zig-cache ZIG_LOCAL_CACHE_DIR=$cache/zig-cache
export MACOSX_DEPLOYMENT_TARGET=$minimum_os
compilers=$cache/macos-compilers-$(short_hash <"$macos/compilers/cc")
make_once "$compilers" copy_compilers
export CC_aarch64_apple_darwin=$compilers/cc CXX_aarch64_apple_darwin=$compilers/cxx AR_aarch64_apple_darwin=$compilers/ar
unset RUSTFLAGS # they would hide those of the settings

cargo fetch --quiet --locked || stop "Cargo could not fetch what Cargo.lock names."
sdk=$cache/macos-sdk-$(cat Cargo.lock "$macos/stub_sdk.py" "$macos/symbols.txt" "$macos/zig.txt" | short_hash)
make_once "$sdk" make_sdk
export SDKROOT=$sdk # build scripts then do not look for Xcode's
mlx_sys_version=$(sed -n '/^name = "mlx-sys"/{n;s/^version = "\(.*\)"/\1/p}' Cargo.lock)
mlx_c=$cache/mlx-c-macos-$({ echo "$mlx_sys_version" && cat "$here/mlx-metal.txt" "$macos/zig.txt" && declare -f make_mlx_c; } | short_hash)
make_once "$mlx_c" make_mlx_c

# One folder for all clones: a new one compiles the project's own crates, and not the hundreds that others wrote.
export CARGO_TARGET_DIR=${MOSHIBAR_MACOS_TARGET:-$cache/macos-target}
mkdir -p "$CARGO_TARGET_DIR"
settings=$CARGO_TARGET_DIR/settings.toml
write_settings "$settings"

for_mac() { # for_mac <cargo's command> <its arguments...>
    local command=$1
    shift
    cargo "$command" --config "$settings" --locked --target "$target" "$@" # in this order: clippy takes what comes after it alone
}
