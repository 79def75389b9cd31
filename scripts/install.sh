#!/usr/bin/env bash
# Installs the program with all that it needs, for every user of this machine: `make install
# PREFIX=/usr/local`.
#
#   scripts/install.sh             bin/moshibar, lib/moshibar and share/doc/moshibar, into PREFIX
#   scripts/install.sh uninstall   removes these; models and recordings stay
#
#   PREFIX=DIR    where to. Default: ~/.local. Where that is not ours, the copying alone uses sudo.
#   DESTDIR=DIR   put before PREFIX, for whoever makes a package of it.
#
# The program finds MLX from where it lies itself: PREFIX can be moved or copied afterwards. On a
# Mac: not run yet.
set -euo pipefail
prefix=${PREFIX:-$HOME/.local}
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
prefix=${DESTDIR:-}$prefix
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
# shellcheck source-path=SCRIPTDIR source=package/program.sh
. "$(dirname "${BASH_SOURCE[0]}")/package/program.sh"

there=$prefix # the part of it that exists
while [ ! -e "$there" ]; do there=$(dirname "$there"); done
[ -d "$there" ] || stop "$there is not a folder: choose another PREFIX."
as_root=()
if [ "$(id -u)" != 0 ]; then
    for folder in "$there" "$prefix"/{bin,lib,lib/moshibar,share,share/doc}; do
        [ ! -e "$folder" ] || [ -w "$folder" ] || as_root=(sudo)
    done
    [ ${#as_root[@]} = 0 ] || have sudo || stop "$prefix may not be written to. Choose a PREFIX of yours, as PREFIX=~/.local"
fi
umask 022

remove() {
    "${as_root[@]}" rm -f "$prefix/bin/moshibar"
    "${as_root[@]}" rm -rf "$prefix/lib/moshibar" "$prefix/share/doc/moshibar"
}

case ${1:-install} in
install)
    build
    staged=$(mktemp -d)
    trap 'rm -rf "$staged"' EXIT
    lay_out "$staged"
    remove # an older MLX has libraries of other names
    (cd "$staged" && find . -type f) | while IFS= read -r file; do
        if [ -x "$staged/$file" ]; then mode=755; else mode=644; fi
        "${as_root[@]}" mkdir -p "$(dirname "$prefix/$file")"
        "${as_root[@]}" install -m "$mode" "$staged/$file" "$prefix/$file"
    done
    say "installed $prefix/bin/moshibar, and what it needs in $prefix/lib/moshibar."
    case ":$PATH:" in
    *":$prefix/bin:"*) ;;
    *) [ -n "${DESTDIR:-}" ] || say "note: $prefix/bin is not in your PATH." ;;
    esac
    ;;
uninstall)
    remove
    say "removed the program from $prefix. Models and recordings stay where they are."
    ;;
*) stop "usage: scripts/install.sh [uninstall]" ;;
esac
