#!/usr/bin/env bash
# Writes ui/src/licences.txt, which the app shows in its settings: what others wrote that is in it, and on which terms. `make licences`.
#
#   scripts/licences.sh check    fails if it is out of date: `make check`
#
# cargo-about reads every file of every crate, because some have notices of others deep inside. That
# takes three minutes of processor time, and as many to compile it. So the text is kept in the
# cache, by a hash of all that it is made from.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
cd "$root"

line=$(printf -- '-%.0s' {1..80})
part() { # part <what> <its licence...>
    printf '* %s\n\n' "$1"
    shift
    cat "$@"
    printf '\n%s\n\n' "$line"
}
version() { sed -n 's/.*"version": "\(.*\)".*/\1/p' "$1/package.json" | head -n 1; }
write() { # write <out>
    local package
    {
        part "MLX $(packages_in "$here/mlx-metal.txt" | cut -d= -f3)" "$mlx"/*.dist-info/licenses/*
        for package in svelte uplot @tauri-apps/api; do
            part "$package $(version "ui/node_modules/$package")" "ui/node_modules/$package"/LICENSE*
        done
        cargo-about generate --locked --manifest-path src-tauri/Cargo.toml --config scripts/licences/about.toml scripts/licences/about.hbs
    } >"$1/licences.txt"
}

made_from=(Cargo.lock Cargo.toml src-tauri/Cargo.toml crates/*/Cargo.toml ui/package-lock.json "$here/mlx-metal.txt" scripts/licences/* scripts/licences.sh)
made=$cache/licences-$(cat "${made_from[@]}" | short_hash)
if [ ! -d "$made" ]; then
    cargo_tool cargo-about 0.9.3 "three minutes of processor time" cargo-about --features cli
    scripts/ui.sh with true # fetches the packages of the pages
    mlx=$(folder_of "$here/mlx-metal.txt")
    make_once "$mlx" unpack_wheels "$here/mlx-metal.txt" macosx_14_0_arm64
    say "reading the licences of every crate, once for these dependencies. This takes three minutes of processor time."
    make_once "$made" write
fi

if [ "${1:-}" = check ]; then
    cmp -s "$made/licences.txt" ui/src/licences.txt || stop "ui/src/licences.txt is out of date. Run: make licences"
else
    cp "$made/licences.txt" ui/src/licences.txt
    say "wrote ui/src/licences.txt: $(grep -c '^\* ' ui/src/licences.txt) works."
fi
