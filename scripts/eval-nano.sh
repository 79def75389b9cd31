#!/usr/bin/env bash
# How well the built-in demo model understands and speaks, on voices, rooms and noises that it was not trained on:
#
#   scripts/eval-nano.sh [--quick] [--hour] [--json] [--quality Q] [--only PART] [--model NAME|DIR] [...]   (--help lists them)
#
# It takes about half an hour on two cores, --quick a few minutes. Debian's package asterisk-core-sounds-en-wav adds a
# person's voice. Python packages go to a folder of the cache named after the hashes in eval-nano-requirements.txt, which is
# written by: uv pip compile --universal --no-deps --python-version 3.10 --generate-hashes --only-binary :all:
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
requirements=$here/../eval-nano-requirements.txt

python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' ||
    stop "the evaluation needs Python 3.10 to 3.13 (the speech recogniser has no build for others). This is $(python3 --version)." \
        "Please put such a python3 first on your PATH."
venv=$cache/eval-$(python3 -c 'import sys; print(sys.version, sys.executable)' | cat - "$requirements" | short_hash)
make_once "$venv" make_venv "$requirements" >&2
PYTHONPATH=$root/training "$venv/bin/python" -m nano.evaluation "$@"
