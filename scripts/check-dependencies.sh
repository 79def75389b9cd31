#!/usr/bin/env bash
# Checks licences, sources and who depends on whom (deny.toml), and known vulnerabilities if their list can be reached.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"

cargo_tool cargo-deny 0.20.2 "several minutes"

cd "$root"
cargo-deny --log-level error check bans licenses sources
if git -c http.lowSpeedLimit=1 -c http.lowSpeedTime=20 ls-remote --exit-code https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
    cargo-deny --log-level error check advisories
else
    say "skipped the check for known vulnerabilities: their list lies on GitHub, which cannot be reached from here."
fi
