#!/usr/bin/env bash
# Installs what only the tests need: Python packages, and a sound system (test-tools.sh). Prints the path of the Python.
#
# The Python packages go to a folder of the cache named after the hashes in test-requirements.txt; a second call does nothing.
# That file is written by: uv pip compile --universal --no-deps --python-version 3.10 --generate-hashes --only-binary :all:
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
requirements=$here/../test-requirements.txt

python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' ||
    stop "the tests need Python 3.10 to 3.13 (the speech recogniser has no build for others). This is $(python3 --version)." \
        "Please put such a python3 first on your PATH."
venv=$cache/test-$(python3 -c 'import sys; print(sys.version, sys.executable)' | cat - "$requirements" | short_hash)
make_once "$venv" make_venv "$requirements" >&2
"$here/test-tools.sh" >&2
echo "$venv/bin/python"
