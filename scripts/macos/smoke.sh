#!/usr/bin/env bash
# Starts the app on a Mac and sees whether it is still there after ten seconds: scripts/macos/smoke.sh Moshibar.app
#
# What was built beside it is moved away meanwhile: MLX looks for its GPU kernels where it was built, too, and an app that lacks its
# own would start here and nowhere else.
#
# Not run yet: written where there is no Mac.
set -euo pipefail
app=$1
cache=${MOSHIBAR_CACHE:-$HOME/Library/Caches/moshibar}
home=$(mktemp -d)
log=$home/output.txt
program=
finish() {
    [ -z "$program" ] || kill "$program" 2>/dev/null || true
    [ ! -d "$cache.away" ] || mv "$cache.away" "$cache"
    rm -rf "$home"
}
trap finish EXIT
mv "$cache" "$cache.away"
HOME=$home "$app/Contents/MacOS/moshibar-app" --show popover >"$log" 2>&1 &
program=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    if ! kill -0 "$program" 2>/dev/null; then
        cat "$log" >&2
        echo "smoke: the app has ended." >&2
        exit 1
    fi
done
! grep -Ei 'panicked|unrecognized selector|metallib' "$log" || {
    echo "smoke: the app starts, and complains." >&2
    exit 1
}
echo "smoke: the app runs."
