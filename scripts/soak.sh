#!/usr/bin/env bash
# Runs at the largest depth those tests for which it takes long: days on a virtual clock, a thousand
# kills, talks beside busy processes. An hour for all of them.
#
#   scripts/soak.sh [NAME...]     Default: all of talk, talks, drift, devices, recording, words, engine,
#                                 sound, store
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
cd "$root"
nextest=$(wheel_tool cargo-nextest)
PATH=$nextest:$PATH
MOSHIBAR_TEST_PYTHON=$(scripts/test-setup.sh)
export MOSHIBAR_TEST_PYTHON
export MOSHIBAR_DEPTH=soak

soak() { # soak <package> <filter>: runs these tests, one at a time, and prints their figures
    cargo nextest run --cargo-profile release --profile soak --package "$1" --no-capture --filterset "$2"
}

[ $# -gt 0 ] || set -- talk talks drift devices recording words engine sound store
for name; do
    echo "== $name"
    case $name in
    talk) soak moshibar-session 'test(=nothing_grows_in_a_talk_with_an_accident_every_minute)' ;;
    talks) soak moshibar-session 'test(=talks_one_after_the_other_leave_nothing_behind)' ;;
    drift) soak moshibar-audio 'test(/^dsp::drift_tests/)' ;;
    devices) soak moshibar-audio 'test(/^supervisor::(random|endurance)_tests/)' ;;
    recording) soak moshibar-session 'test(=kills::a_killed_talk_loses_at_most_a_second)' ;;
    words) soak moshibar-cli 'test(=dialogues::live_words_are_understood_wherever_they_begin)' ;;
    engine) soak moshibar-model 'binary(endurance) or binary(sliding_window)' ;;
    sound) soak moshibar-cli 'test(=copying::speech_comes_back_whole_beside_busy_processes)' ;;
    store) soak moshibar-store 'test(/kill_9/)' ;;
    *)
        stop "there is no soak \"$name\". Choose talk, talks, drift, devices, recording, words, engine," \
            "sound or store."
        ;;
    esac
done
