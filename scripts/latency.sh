#!/usr/bin/env bash
# Measures how long sound takes from the microphone to the speaker of a program that gives back what it hears:
#
#   scripts/latency.sh [SAMPLES...]     blocks of the devices at 48 kHz, powers of two; default: 1024 512 256
#
# Clicks are played into a virtual microphone, and it and the virtual speaker are recorded side by side. Linux only.
# MOSHIBAR_TEST_COPIER names another program to measure, with its arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -gt 0 ] || set -- 1024 512 256
# A figure that could not be measured is an error here, as everything is in CI.
export CI=${CI:-true}
scripts/setup/test-tools.sh >&2
cargo test --quiet --release --package moshibar-cli --test live --no-run
for quantum; do
    said=$(MOSHIBAR_TEST_QUANTUM=$quantum cargo test --quiet --release --package moshibar-cli --test live -- \
        --exact copying::latency_from_microphone_to_speaker --ignored --nocapture 2>&1) || {
        echo "$said" >&2
        exit 1
    }
    grep '^microphone to speaker' <<<"$said"
done
