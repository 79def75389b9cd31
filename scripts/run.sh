#!/usr/bin/env bash
# What `make run` does after the set-up: where there is a screen it starts the app, elsewhere it plays the demo on the terminal.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --package moshibar-cli
# The program looks for MLX in ../lib first: with that there, it runs without the cache folder, and
# `target` can be moved.
if [ "${MLX_BACKEND:-}" != cuda ] && [ "${MOSHIBAR_MLX:-wheel}" = wheel ]; then
    (
        # shellcheck source-path=SCRIPTDIR source=setup/cache.sh
        . scripts/setup/cache.sh
        # shellcheck source-path=SCRIPTDIR source=package/program.sh
        . scripts/package/program.sh
        lay_out_mlx "${CARGO_TARGET_DIR:-target}"
    )
fi
if [ "$(uname -s)" = Darwin ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    scripts/ui.sh build
    cargo build --release --package moshibar-app
    echo "Moshibar is in the menu bar now, and shows itself. Press \"Start talking\" and say hello. Ctrl-C ends it."
    exec target/release/moshibar-app --show popover
fi
exec scripts/run-demo.sh
