# Sourced by faults.sh and bundle-faults.sh: a check that must fail, at what was planted and at nothing else. They say with `check_copy`
# what the check is, and with $log where its output goes.
# shellcheck shell=bash disable=SC2154

must_fail() { # must_fail <what was planted> <what it must say>
    if check_copy >"$log" 2>&1; then stop "nobody noticed $1."; fi
    if ! grep -qE -- "$2" "$log"; then
        tail -n 30 "$log" | cut -c1-300 >&2
        stop "something else failed than $1."
    fi
    say "$SECONDS s. Noticed: $1."
}
