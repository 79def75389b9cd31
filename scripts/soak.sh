#!/usr/bin/env bash
# What takes too long for `make test`: days on a virtual clock, and real talks beside a busy machine.
#
#   scripts/soak.sh [NAME...]     talk, talks, drift, devices, recording, sound, store; all of them unless named
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

soak() { # soak <package> <test target> <name of a test>: prints its figures
    # shellcheck disable=SC2086 # the target is an option with a value
    cargo test --quiet --release --package "$1" $2 -- --ignored --nocapture --test-threads 1 "$3"
}

[ $# -gt 0 ] || set -- talk talks drift devices recording sound store
for name; do
    echo "== $name"
    case $name in
    talk) soak moshibar-session "--test live_endurance" a_day_with_an_accident_every_minute ;;
    talks) soak moshibar-session "--test live_endurance" a_thousand_talks_leave_nothing_behind ;;
    drift) soak moshibar-audio --lib dsp::drift ;;
    devices) soak moshibar-audio --lib supervisor:: ;;
    recording) soak moshibar-session "--test recording" hundreds ;;
    sound)
        scripts/setup/test-tools.sh >&2
        soak moshibar-cli "--test live" ten_times_under_load
        ;;
    store)
        MOSHIBAR_TEST_KILLS=1000 cargo test --quiet --release --package moshibar-store --test store -- --nocapture kill_9
        ;;
    *)
        echo "soak: there is no $name; choose talk, talks, drift, devices, recording, sound or store." >&2
        exit 2
        ;;
    esac
done
