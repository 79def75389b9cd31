#!/usr/bin/env bash
# What `make dev` does after the set-up: the app with pages from Vite's server, which follow every edit in ui/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/ui.sh build # the capabilities and icons of the app are checked against it
scripts/ui.sh with node_modules/.bin/vite &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
cargo run --package moshibar-app --no-default-features -- --show popover
