#!/usr/bin/env bash
# Shows that `make check` fails when it must: plants one fault after the other in a copy of the
# repository, and runs there those lines of `make check` that must notice it. `make check-faults`,
# two minutes after `make check`.
#
# Compiles in the same folder as `make check`, so that only a small crate is built again. The pages'
# types (ui/src/bindings.ts) are no part of this: it is `make test` that compares them.
# shellcheck disable=SC2016
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
# shellcheck source-path=SCRIPTDIR source=planted.sh
. "$here/../planted.sh"
cd "$root"

copy=$root/target/check-faults # below the repository, so that Cargo's settings hold there, too
log=$copy.log
small=crates/test-hub # what is compiled with a fault: a crate that takes seconds
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}

lines() { # lines <pattern>: those of `make check`, with the small crate in place of all
    make --no-print-directory -n check | grep -E -- "$1" |
        sed "s/--workspace/--package moshibar-${small##*/}/" ||
        stop "make check has no line that matches: $1"
}
in_copy() { (cd "$copy" && bash -euo pipefail -c "$1"); }

formatting=$(lines '^cargo fmt')
lints=$(lines '^cargo clippy .*--workspace')
documentation=$(lines 'cargo doc')
names=$(lines 'scripts/check-docs.py')
dependencies=$(lines 'scripts/check-dependencies.sh')
licences=$(lines 'scripts/licences.sh check')

depend() { # depend <folder of a crate> <on which>
    awk -v "line=$2.workspace = true" '{ print } $0 == "[dependencies]" { print line }' \
        "$copy/$1/Cargo.toml" >"$copy/new.toml"
    mv "$copy/new.toml" "$copy/$1/Cargo.toml"
}

# In place of RustSec's list one with a single entry, which every machine can reach.
advise_against() { # advise_against <crate>
    local list=$copy/advisories
    rm -rf "$list"
    mkdir -p "$list/crates/$1"
    cat >"$list/crates/$1/RUSTSEC-2099-0001.md" <<MARKDOWN
\`\`\`toml
[advisory]
id = "RUSTSEC-2099-0001"
package = "$1"
date = "2026-01-01"
[versions]
patched = []
\`\`\`
# Planted

Nothing is wrong with it.
MARKDOWN
    git -C "$list" init --quiet --initial-branch main
    git -C "$list" add .
    git -C "$list" -c user.name=planted -c user.email=planted@localhost \
        commit --quiet --message planted
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=url.file://$list.insteadOf
    export GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db
}

plant() { # plant: a copy without a fault
    fresh_copy "$small"
    append deny.toml <<<$'\n[advisories]\ndb-path = "'"$copy"'/fetched"'
    advise_against no-crate-of-ours
}

plant
for part in formatting lints documentation names dependencies licences; do
    must_pass "make check ($part)" in_copy "${!part}"
done
say "$SECONDS s. Passes without a fault."

append "$small/src/lib.rs" <<<'fn  planted( ) { }'
must_fail "a line that is not formatted" '-fn  planted' in_copy "$formatting"

plant
append "$small/src/lib.rs" <<<$'\n/// Planted.\npub fn planted(some: Option<u8>) -> u8 {\n    some.unwrap()\n}'
must_fail "a lint" 'used `unwrap\(\)` on an `Option` value' in_copy "$lints"

plant
append "$small/src/lib.rs" <<<$'\n/// As [`NoSuchType`].\npub const PLANTED: u8 = 0;'
must_fail "a link in a comment that leads nowhere" 'unresolved link to `NoSuchType`' in_copy "$documentation"

plant
append README.md <<<'See `scripts/planted-nowhere.sh`.'
must_fail "a file that a document names and that does not exist" 'README.md:[0-9]+: `scripts/planted-nowhere.sh`' in_copy "$names"

plant
append CONTRIBUTING.md <<<'See [there](docs/planted.md).'
must_fail "a link in a document that leads nowhere" 'CONTRIBUTING.md:[0-9]+: \(docs/planted.md\)' in_copy "$names"

plant
append docs/mac-checklist.md <<<'Run `make planted`.'
must_fail "a verb that make does not have" 'mac-checklist.md:[0-9]+: `make planted`' in_copy "$names"

plant
append BENCHMARKS.md <<<'`cargo test --test planted`'
must_fail "a test that a document names and that does not exist" 'BENCHMARKS.md:[0-9]+: --test planted' in_copy "$names"

plant
append "$small/src/lib.rs" <<<'// See `planted_nowhere.rs`.'
must_fail "a file that a comment names and that does not exist" 'lib.rs:[0-9]+: `planted_nowhere.rs`' in_copy "$names"

plant
depend crates/session moshibar-store
must_fail "an arrow from session to store" "crate 'moshibar-store = .*' is explicitly banned" in_copy "$dependencies"

plant
depend crates/cli reqwest
must_fail "sockets in the command line" "crate 'reqwest = .*' is explicitly banned" in_copy "$dependencies"

plant
depend crates/store moshibar-test-hub
must_fail "a test's helper in the product" 'moshibar-test-hub is for tests alone' in_copy "$dependencies"

plant
advise_against serde
must_fail "a known vulnerability" 'RUSTSEC-2099-0001' in_copy "$dependencies"

plant
export GIT_CONFIG_KEY_0=url.file://$copy/nowhere.insteadOf
must_say "vulnerabilities that were not checked" 'known vulnerabilities were NOT checked' in_copy "$dependencies"

plant
sed '1s/$/ (planted)/' ui/src/licences.txt >"$copy/ui/src/licences.txt"
must_fail "licences that are out of date" 'ui/src/licences.txt is out of date' in_copy "$licences"

rm -rf "$copy" "$log"
say "done in $SECONDS s: every fault was noticed."
