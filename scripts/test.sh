#!/usr/bin/env bash
# Runs the tests. A part that fails does not keep the next from running; the last lines say how
# each ended.
#
#   scripts/test.sh [PART...]    Default: rust, pages and browser, which is `make test`
#
#   rust      every test of the workspace, by cargo-nextest as .config/nextest.toml says
#   pages     the pages' types, texts and unit tests
#   browser   the pages in headless Chromium
#   docs      the examples in the documentation
#   package   the program that people get, copied away, as another user (scripts/test-package.sh)
#
#   MOSHIBAR_DEPTH=quick|full|soak   how much each test does (CONTRIBUTING.md). Default: quick
# shellcheck disable=SC2317 # the parts are called by their names
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
cd "$root"

[ $# -gt 0 ] || set -- rust pages browser
export MOSHIBAR_DEPTH=${MOSHIBAR_DEPTH:-quick}
case $MOSHIBAR_DEPTH in
quick | full | soak) ;;
*) stop "MOSHIBAR_DEPTH is \"$MOSHIBAR_DEPTH\"; it may be quick, full or soak." ;;
esac

rust() {
    scripts/ui.sh build # the app compiles the pages in
    MOSHIBAR_TEST_PYTHON=$(scripts/test-setup.sh)
    export MOSHIBAR_TEST_PYTHON
    nextest=$(wheel_tool cargo-nextest)
    PATH=$nextest:$PATH
    in_memory cargo nextest run --workspace --no-fail-fast
}

# Runs a command whose temporary files lie in memory, if there is room. A disk that is still writing
# what was compiled falls so far behind that the recorder stops, as it must, and fails a test of
# something else. Tests about disks mount their own.
in_memory() {
    local free
    free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || free=0 # not on a Mac
    if [ "${free:-0}" -gt 2000000 ]; then
        TMPDIR=$(mktemp -d /dev/shm/moshibar-test.XXXXXX)
        export TMPDIR
        trap 'rm -rf "$TMPDIR"' EXIT # of the part, which has a shell of its own
    fi
    "$@"
}
pages() { scripts/ui.sh check; }
browser() {
    scripts/test-setup.sh >/dev/null
    scripts/ui.sh browser
}
docs() { cargo test --quiet --workspace --doc; }
package() { scripts/test-package.sh; }

results=()
failed=0
for part; do
    case $part in
    rust | pages | browser | docs | package) ;;
    *) stop "there is no part \"$part\"; choose rust, pages, browser, docs or package." ;;
    esac
    began=$SECONDS
    # In a shell of its own, so that the first command that fails ends the part and not the run.
    set +e
    (
        set -e
        "$part"
    )
    status=$?
    set -e
    if [ "$status" = 0 ]; then outcome=passed; else outcome="FAILED ($status)" failed=1; fi
    results+=("$(printf '%-8s %s in %s s' "$part" "$outcome" $((SECONDS - began)))")
done
echo
printf 'test: depth %s\n' "$MOSHIBAR_DEPTH"
printf 'test: %s\n' "${results[@]}"
exit "$failed"
