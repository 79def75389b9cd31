#!/usr/bin/env bash
# Fuzzes what is read from files: scripts/fuzz.sh [SECONDS per target, default 60] [TARGET...]
#
# Begins with the committed fuzz/seeds and what earlier runs found (fuzz/corpus). An input that fails lies in fuzz/artifacts
# afterwards, and `cargo fuzz run TARGET FILE` shows it again. MLX is not needed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"

seconds=${1:-60}
case $seconds in *[!0-9]* | 0 | '') stop "usage: scripts/fuzz.sh [SECONDS per target] [TARGET...]" ;; esac
if [ $# -gt 1 ]; then targets=("${@:2}"); else targets=(tensors config pieces); fi

cargo_tool cargo-fuzz 0.13.2 "a minute or two"

cd "$root"
# AddressSanitizer is what lets libFuzzer see every allocation (-malloc_limit_mb), but the flag that turns it on,
# -Zsanitizer, is for nightly compilers only. This lets the stable one that builds the product accept it.
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    # 16 KiB hold any seed several times over. A header or config of that size needs less than 1 MB; 32 MB in one
    # allocation, or 1 GB in all (the sanitizer's share included), mean that a size was believed unchecked.
    cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -max_len=16384 -timeout=10 -malloc_limit_mb=32 -rss_limit_mb=1024 \
        -dict="fuzz/targets/$target.dict" -print_final_stats=1
done
