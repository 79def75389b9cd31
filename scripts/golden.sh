#!/usr/bin/env bash
# Writes testdata/ anew: tiny random checkpoints, and what Kyutai's own programs compute on them. The same tokens and codes every
# time, on one machine the same bytes; on another processor floats differ in their last bits.
#
#   scripts/golden.sh [--out FOLDER] [--seed N] [CASE ...]
#
# The first run downloads 2 to 6 GB of Python packages (mostly PyTorch) into the user's cache.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/golden/environment.sh
golden_environment
out=(--out testdata)
for argument in "$@"; do
  case $argument in --out | --out=*) out=() ;; esac
done
exec "$GOLDEN_PYTHON" -m golden ${out[@]+"${out[@]}"} "$@"
