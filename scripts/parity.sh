#!/usr/bin/env bash
# Moshibar against Kyutai's programs on checkpoints made for the occasion. Not part of CI: it takes minutes and gigabytes.
#
#   scripts/parity.sh [fresh] [mimi] [wide] [--count N] [--seed N] [--without-moshibar] [...]   (--help lists the rest)
#
# MOSHIBAR=path/to/moshibar names the binary (default target/release/moshibar).
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/golden/environment.sh
golden_environment

program=(--moshibar "${MOSHIBAR:-target/release/moshibar}")
arguments=()
for argument in "$@"; do
  case $argument in
    --without-moshibar) program=() ;;
    *) arguments+=("$argument") ;;
  esac
done
if [ ${#program[@]} -gt 0 ] && [ ! -x "${program[1]}" ]; then
  echo "no ${program[1]}: build it (cargo build --release), set MOSHIBAR, or pass --without-moshibar" >&2
  exit 1
fi
exec "$GOLDEN_PYTHON" -m parity --work "$GOLDEN_CACHE/parity-$GOLDEN_HASH" ${program[@]+"${program[@]}"} ${arguments[@]+"${arguments[@]}"}
