#!/usr/bin/env bash
# What `make run` does after the set-up: where there is a screen it starts the app, elsewhere it plays the demo on the terminal.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --package moshibar-cli
if [ "$(uname -s)" = Darwin ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    scripts/ui.sh build
    cargo build --release --package moshibar-app
    echo "Moshibar is in the menu bar now, and shows itself. Press \"Start talking\" and say hello. Ctrl-C ends it."
    exec target/release/moshibar-app --show popover
fi
exec scripts/run-demo.sh
