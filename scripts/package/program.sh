# Sourced by run.sh, install.sh and package.sh, after setup/cache.sh: builds the program that people
# get, and lays it out with all that it needs.
#
# shellcheck shell=bash disable=SC2154
cd "$root" || exit

case "$os ${MLX_BACKEND:-default}" in
"Darwin "*) wheel=mlx-metal library=libmlx.dylib ;; # not run on a Mac yet
"Linux default" | "Linux cpu") wheel=mlx-cpu library=libmlx.so ;;
*) stop "MLX for MLX_BACKEND=$MLX_BACKEND cannot be copied: NVIDIA's libraries are more than a gigabyte." \
    "Use target/release/moshibar where it was built, or install the program for processors: MLX_BACKEND=cpu make install" ;;
esac
[ "${MOSHIBAR_MLX:-wheel}" = wheel ] || stop "people get MLX's own build: unset MOSHIBAR_MLX, then make setup"
mlx=$(folder_of "$here/$wheel.txt")
[ -e "$mlx/mlx/lib/$library" ] || stop "MLX is not there. Run: make setup"
program=${CARGO_TARGET_DIR:-$root/target}/dist/moshibar

build() { # makes $program
    # It looks for MLX where it is installed and nowhere else, and no folder of this machine stays
    # in it. These flags stand in place of those in .cargo/config.toml, so a program that is found
    # to work was not helped by the cache.
    local remapped=("$root=/moshibar" "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$cache=/cache")
    local flags=("-Clink-arg=-Wl,-rpath,$installed_mlx" "${remapped[@]/#/--remap-path-prefix=}")
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") MACOSX_DEPLOYMENT_TARGET=14.0 \
        cargo build --locked --profile dist --package moshibar-cli
}

licences() { # whose work is in it, and on which terms
    local target mlx_sys parts
    target=$(rustc -vV | sed -n 's/^host: //p')
    mlx_sys=$(cargo metadata --format-version 1 --locked --filter-platform "$target" | python3 -c '
import json, os, sys
[path] = [p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "mlx-sys"]
print(os.path.dirname(path))')
    parts=("MLX=$(ls "$mlx"/*.dist-info/licenses/LICENSE)" "mlx-c=$mlx_sys/src/mlx-c/LICENSE")
    [ "$os" = Darwin ] || parts+=("What MLX needs=$root/scripts/package/mlx-libraries.txt")
    python3 scripts/package/licences.py "$target" "${parts[@]}"
}

lay_out_mlx() { # lay_out_mlx <folder>: lib, where a program in the bin or release beside it looks for MLX
    local mlx_out=$1/lib/moshibar/mlx/lib file
    install -d -m 755 "$mlx_out"
    install -m 644 "$mlx/mlx/lib/$library" "$mlx_out/"
    if [ "$os" = Darwin ]; then
        install -m 644 "$mlx/mlx/lib/mlx.metallib" "$mlx_out/" # the GPU kernels, which MLX looks for beside its library
    else
        install -d -m 755 "$1/lib/moshibar/mlx_cpu.libs"
        for file in "$mlx"/mlx_cpu.libs/*.so*; do
            install -m 644 "$file" "$1/lib/moshibar/mlx_cpu.libs/"
        done
    fi
}

lay_out() { # lay_out <folder>: bin, lib and share, for anybody to read, whatever the umask
    local documents=$1/share/doc/moshibar
    install -d -m 755 "$1/bin" "$documents"
    install -m 755 "$program" "$1/bin/"
    lay_out_mlx "$1"
    install -m 644 LICENSE-MIT LICENSE-APACHE "$documents/"
    licences >"$documents/licences.txt"
    chmod 644 "$documents/licences.txt"
}
