#!/usr/bin/env bash
# The model store beside hf-hub and huggingface_hub, against a hub that misbehaves in every way we know:
#
#   scripts/bench-store.sh            the table: what each client makes of each server (some ten minutes)
#   scripts/bench-store.sh large      the store alone with a file of 8 GiB: memory, speed, how soon it stops (11 GiB of disk)
#
# Everything happens on the loopback interface. huggingface_hub goes to a folder of the cache named after the hashes in
# scripts/bench/store-requirements.txt. That file is written by:
# uv pip compile --universal --python-version 3.10 --generate-hashes --only-binary :all:, for huggingface_hub alone.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
cd "$root"

# Both workspaces share one target folder, so what they have in common is compiled once.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
cargo build --quiet --release --package moshibar-test-hub
cargo build --quiet --release --locked --manifest-path bench/store/Cargo.toml
programs=$CARGO_TARGET_DIR/release
export PYTHONPATH=scripts PYTHONDONTWRITEBYTECODE=1
case ${1:-} in
    '')
        requirements=scripts/bench/store-requirements.txt
        venv=$cache/store-$(python3 -c 'import sys; print(sys.version, sys.executable)' | cat - "$requirements" | short_hash)
        make_once "$venv" make_venv "$requirements" >&2
        "$venv/bin/python" -m bench.store_matrix "$programs"
        ;;
    large) python3 -m bench.store_large "$programs" ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
