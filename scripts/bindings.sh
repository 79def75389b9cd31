#!/usr/bin/env bash
# Writes the types of the windows' pages (ui/src/bindings.ts) from the shell's Rust types. A test of
# the shell compares the two, and is told here to write instead.
#
#   scripts/bindings.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# = 0 ] || {
    echo "usage: scripts/bindings.sh" >&2
    exit 2
}
MOSHIBAR_WRITE_BINDINGS=yes cargo test --quiet --package moshibar-app --lib the_pages_know_the_shells_types
