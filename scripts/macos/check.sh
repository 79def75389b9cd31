#!/usr/bin/env bash
# Checks on Linux that the whole workspace compiles for macOS without a warning, links, and that what is linked is what we mean:
# `make macos-check`. Nothing is run: what only a Mac can show stands in docs/mac-checklist.md.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=toolchain.sh
. "$(dirname "${BASH_SOURCE[0]}")/toolchain.sh"

say "set up in $SECONDS s. Checking types and lints for $target."
scripts/ui.sh build
# Clippy checks types first; in the profile of the tests, so that build scripts and macros are compiled once for both. A lint that the
# stable one does not have yet, and that tests of long bodies break on purpose, is left out.
for_mac clippy --profile test --workspace --all-targets -- -D warnings -A clippy::manual_assert_eq
say "$SECONDS s. Compiling and linking the app, the CLI and every test for $target."
for_mac test --workspace --no-run
say "$SECONDS s. Looking at what was linked."
lint="$python $macos/lint.py"
$lint sources .
$lint executable "$CARGO_TARGET_DIR/$target/debug/moshibar-app" "$CARGO_TARGET_DIR/$target/debug/moshibar"
say "done in $SECONDS s. Compiled and linked for macOS $minimum_os; nothing was run."
