#!/usr/bin/env bash
# Writes ui/src/licences.txt, which the app shows in its settings: what others wrote that is in it, and on which terms. `make licences`.
#
#   scripts/licences.sh check    fails if it is out of date: `make check`
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
cd "$root"

cargo_tool cargo-about 0.9.3 "several minutes" cargo-about --features cli
scripts/ui.sh with true # fetches the packages of the pages
mlx=$(folder_of "$here/mlx-metal.txt")
make_once "$mlx" unpack_wheels "$here/mlx-metal.txt" macosx_14_0_arm64

line=$(printf -- '-%.0s' {1..80})
part() { # part <what> <its licence...>
    printf '* %s\n\n' "$1"
    shift
    cat "$@"
    printf '\n%s\n\n' "$line"
}
version() { sed -n 's/.*"version": "\(.*\)".*/\1/p' "$1/package.json" | head -n 1; }
write() {
    local package
    part "MLX $(packages_in "$here/mlx-metal.txt" | cut -d= -f3)" "$mlx"/*.dist-info/licenses/*
    for package in svelte uplot @tauri-apps/api; do
        part "$package $(version "ui/node_modules/$package")" "ui/node_modules/$package"/LICENSE*
    done
    cargo-about generate --locked --manifest-path src-tauri/Cargo.toml --config scripts/licences/about.toml scripts/licences/about.hbs
}

text=$(mktemp)
write >"$text"
if [ "${1:-}" = check ]; then
    cmp -s "$text" ui/src/licences.txt || stop "ui/src/licences.txt is out of date. Run: make licences"
else
    cp "$text" ui/src/licences.txt
    say "wrote ui/src/licences.txt: $(grep -c '^\* ' "$text") works."
fi
rm "$text"
