#!/usr/bin/env bash
# The types of the windows' pages (ui/src/bindings.ts) come from the shell's Rust types; tests write them.
#
#   scripts/bindings.sh check COMMAND...   runs a command that runs those tests, and fails if the file became another one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "${1:-}" = check ] && [ $# -gt 1 ] || {
    echo "usage: scripts/bindings.sh check COMMAND..." >&2
    exit 2
}
shift
before=$(mktemp)
trap 'rm -f "$before"' EXIT
cp ui/src/bindings.ts "$before"
"$@"
cmp -s "$before" ui/src/bindings.ts || {
    diff "$before" ui/src/bindings.ts >&2 || true
    echo "bindings: ui/src/bindings.ts was not what the shell's types say. It is now: look at it, and commit it." >&2
    exit 1
}
