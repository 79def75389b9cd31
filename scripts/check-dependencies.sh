#!/usr/bin/env bash
# Checks licences, sources and who depends on whom (deny.toml), and known vulnerabilities if their list can be reached.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"

version=0.20.2

install_cargo_deny() { # install_cargo_deny <out>
    say "compiling cargo-deny $version into the cache, once. This takes several minutes."
    # From an empty folder: Cargo's settings for this repository are not for this program.
    (cd "$1" && cargo install cargo-deny --quiet --version "$version" --locked --root "$1" --target-dir "$work/target")
}

if ! have cargo-deny || [ "$(cargo-deny --version)" != "cargo-deny $version" ]; then
    make_once "$cache/cargo-deny-$version" install_cargo_deny
    PATH=$cache/cargo-deny-$version/bin:$PATH
fi

cd "$root"
cargo-deny --log-level error check bans licenses sources
if git -c http.lowSpeedLimit=1 -c http.lowSpeedTime=20 ls-remote --exit-code https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
    cargo-deny --log-level error check advisories
else
    say "skipped the check for known vulnerabilities: their list lies on GitHub, which cannot be reached from here."
fi
