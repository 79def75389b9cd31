#!/usr/bin/env bash
# From the start of the program to the first frame, and the memory that takes: moshi_mlx and Moshibar on one full-size q4 file.
#
# The file has the released tensors and random contents: 4.8 GB in the cache folder. Options go to scripts/bench/first_frame.py.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/golden/environment.sh
golden_environment
"$GOLDEN_PYTHON" -m bench.first_frame "$GOLDEN_CACHE/full-size-q4-$GOLDEN_HASH" "${MOSHIBAR:-target/release/moshibar}" "$@"
