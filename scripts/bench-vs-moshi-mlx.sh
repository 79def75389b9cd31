#!/usr/bin/env bash
# Host-side cost per frame of moshi_mlx and Moshibar on one tiny checkpoint of the released depth, MLX on the CPU.
#
#   scripts/bench-vs-moshi-mlx.sh [--precision q8|bf16] [--frames N] [--rounds N] [--greedy] [--python-only]
#
# Runs alternate (A B A B ...) so that both see the same machine. MOSHIBAR=path/to/moshibar names the binary.
set -euo pipefail
cd "$(dirname "$0")/.."

precision=q8 frames=100 rounds=3 greedy=() ours=1
while [ $# -gt 0 ]; do
  case $1 in
    --precision) precision=$2; shift 2 ;;
    --frames) frames=$2; shift 2 ;;
    --rounds) rounds=$2; shift 2 ;;
    --greedy) greedy=(--greedy); shift ;;
    --python-only) ours=0; shift ;;
    *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

source scripts/golden/environment.sh
golden_environment
moshibar=${MOSHIBAR:-target/release/moshibar}
if [ $ours = 1 ] && [ ! -x "$moshibar" ]; then
  echo "no $moshibar: build it (cargo build --release), set MOSHIBAR, or pass --python-only" >&2
  exit 1
fi

checkpoint=$GOLDEN_CACHE/bench-checkpoint-$GOLDEN_HASH
"$GOLDEN_PYTHON" -m bench.checkpoint "$checkpoint"

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  "$GOLDEN_PYTHON" -m bench.moshi_mlx_frame "$checkpoint/$precision" --frames "$frames" ${greedy[@]+"${greedy[@]}"} > "$runs/moshi_mlx-$round.json"
  if [ $ours = 1 ]; then
    "$moshibar" bench --model "$checkpoint/$precision" --frames "$frames" --json ${greedy[@]+"${greedy[@]}"} --device cpu --lm-only > "$runs/moshibar-$round.json"
  fi
done
cat "$runs"/*.json
"$GOLDEN_PYTHON" -m bench.table "$runs"
