#!/usr/bin/env bash
# Writes assets/nano/SHA256SUMS anew: called by `make nano-sums`, once the files of the demo model have changed on purpose.
#
# `moshibar models verify nano` and the tests hold the files against it; `sha256sum --check SHA256SUMS` does too.
set -euo pipefail
cd "$(dirname "$0")/../assets/nano"

sum() { if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

printf '%s\n' *.json *.model *.safetensors | LC_ALL=C sort | while IFS= read -r name; do sum -- "$name"; done > SHA256SUMS.new
mv SHA256SUMS.new SHA256SUMS
cat SHA256SUMS
