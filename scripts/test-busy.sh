#!/usr/bin/env bash
# Runs the tests again and again beside processes that do nothing but compute: tests must pass on a
# busy machine, too.
#
#   RUNS=10 BUSY=2 DEPTH=quick scripts/test-busy.sh [PART...]   the defaults; see scripts/test.sh
#
# Exits with 1 if a run failed, after all of them. The output of a run is in target/test-busy/RUN.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

runs=${RUNS:-10} busy=${BUSY:-2} depth=${DEPTH:-quick}
logs=target/test-busy
mkdir -p "$logs"
spinning=()
trap 'kill "${spinning[@]}" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
for ((number = 0; number < busy; number++)); do
    (while :; do :; done) &
    spinning+=($!)
done

failed=0
for ((run = 1; run <= runs; run++)); do
    began=$SECONDS
    outcome=passed
    MOSHIBAR_DEPTH=$depth scripts/test.sh "$@" >"$logs/$run.log" 2>&1 || {
        outcome="FAILED, see $logs/$run.log"
        failed=$((failed + 1))
    }
    echo "run $run of $runs at depth $depth beside $busy busy processes: $outcome, $((SECONDS - began)) s"
done
echo "$((runs - failed)) passed, $failed failed"
[ "$failed" = 0 ]
