#!/usr/bin/env bash
# Does a program that was copied away talk? Unpacks the package elsewhere, and runs it there as a
# user who has nothing. `make test-package`.
#
#   scripts/test-package.sh [PACKAGE.tar.gz]   the one that is given, or one that is built first;
#                                              then `make install` is looked at, too
#
# It runs as nobody, without an environment, without a PATH, where cache, clone and Rust are hidden
# by empty folders. It must start, say what the demo model is known to answer, the same as the
# program of this clone if there is one, and load nothing but its own libraries and the system's.
# Where we are not root, it can be neither nobody nor hide anything; then the last is all that
# proves it, and what was not tested is said, which in CI (the variable CI is set) is a failure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
[ "$os" = Linux ] || stop "the package is for Linux. On a Mac: make dmg, then scripts/macos/smoke.sh"

fail() {
    printf 'test-package: %s\n' "$@" >&2
    exit 1
}
not_tested() { # not_tested <what> <why>
    [ -z "${CI:-}" ] || fail "NOT TESTED, which CI does not accept: $1. $2"
    echo "test-package: NOT TESTED: $1. $2" >&2
    untested=yes
}

nobody=65534
untested=
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"

package=${1:-}
if [ -z "$package" ]; then
    "$root/scripts/package.sh"
    package=$(ls "${CARGO_TARGET_DIR:-$root/target}"/package/moshibar-*.tar.gz)
fi
(cd "$(dirname "$package")" && sha256sum --check --quiet "$(basename "$package").sha256") || fail "$package is not what its .sha256 says."
name=$(basename "$package" .tar.gz)
[ "$(tar -tzf "$package" | cut -d/ -f1 | sort -u)" = "$name" ] || fail "$package has more in it than the folder $name."
mkdir "$place/away"
tar -xzf "$package" -C "$place/away" --no-same-owner
program=$place/away/$name/bin/moshibar
[ -e "$place/away/$name/INSTALL" ] || fail "$package has no INSTALL."

# ---- Run it as nobody, far from all that it was built with ---------------------------------------

home=$place/home
mkdir "$home"
cp "$root/assets/demo/green.wav" "$home/"
as_nobody=() hidden=no
if [ "$(id -u)" = 0 ]; then
    chown "$nobody:$nobody" "$home"
    as_nobody=(setpriv "--reuid=$nobody" "--regid=$nobody" --clear-groups)
    "${as_nobody[@]}" true || fail "root cannot become nobody (setpriv)."
    if unshare --mount true 2>/dev/null; then hidden=yes; fi
else
    not_tested "the program as another user" "Only root can become nobody."
fi
[ "$hidden" = yes ] || echo "test-package: the cache is not hidden, as this needs a mount namespace; what is loaded is looked at all the same."

hide() { # in a mount namespace of its own: empty folders over all that the program was built with
    local folder
    for folder in "$cache" "$root" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}" "${CARGO_TARGET_DIR:-$root/target}"; do
        [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 none "$folder"
    done
}

away() { # away <argument...>: the program, as whoever got the package; its libraries are named in $home/libraries.*
    rm -f "$home"/libraries.*
    (
        cd "$home"
        command=(env -i "HOME=$home" PATH=/nowhere LD_DEBUG=libs "LD_DEBUG_OUTPUT=$home/libraries" "$program" "$@")
        if [ "$hidden" = yes ]; then
            # shellcheck disable=SC2016 # for the shell inside
            unshare --mount bash -c "$(declare -f hide)"'
                set -euo pipefail
                cache=$1 root=$2; shift 2
                hide
                for folder in "$root" "$cache"; do
                    [ -z "$(ls -A "$folder" 2>/dev/null)" ] || { echo "test-package: $folder is not hidden." >&2; exit 1; }
                done
                exec "$@"' bash "$cache" "$root" "${as_nobody[@]}" "${command[@]}"
        else
            "${as_nobody[@]}" "${command[@]}"
        fi
    )
}

loads_its_own() { # every library that was loaded is of the package or the system, and MLX is the package's
    local library
    compgen -G "$home/libraries.*" >/dev/null || fail "the loader did not say what it loaded."
    while IFS= read -r library; do
        case $library in
        "$place/away/$name"/* | /lib/* | /lib64/* | /usr/lib/*) ;;
        *) fail "$library was loaded: neither the package's nor the system's." ;;
        esac
    done < <(sed -n 's/.*calling init: //p' "$home"/libraries.* | sort -u)
    grep -qh "calling init: $place/away/$name/.*/libmlx.so" "$home"/libraries.* || fail "the package's own MLX was not loaded."
}

said="$(away --version)" || fail "moshibar --version does not start: $said"
[ "$said" = "moshibar $(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")" ] || fail "moshibar --version says: $said"
loads_its_own
away doctor >"$home/doctor.txt" 2>&1 || fail "moshibar doctor fails:" "$(cat "$home/doctor.txt")"

words() { python3 -c 'import json, sys; print(json.load(sys.stdin)["text"])'; }
talk=(talk green.wav --greedy --tail 2.5 --device cpu --json --output x.wav)
summary=$(away "${talk[@]}") || fail "the program that was copied away does not talk."
loads_its_own
words=$(words <<<"$summary")
[ -s "$home/x.wav" ] || fail "the answer was not written."
[[ $words = *"I like green"* ]] || fail "asked \"green\", the program that was copied away says: $words"
echo "test-package: copied away, the program says: $words"

# Linked to from elsewhere, and moved.
mv "$place/away" "$place/moved"
mkdir "$place/away"
mv "$place/moved/$name" "$place/away/other name"
ln -s "$place/away/other name/bin/moshibar" "$home/link"
name="other name" program=$home/link
away --version >/dev/null || fail "by a link to it, the program does not start."
loads_its_own

# ---- Beside the program of this clone ------------------------------------------------------------

own=
for candidate in "${CARGO_TARGET_DIR:-$root/target}"/{release,debug}/moshibar; do
    if [ -z "$own" ] && [ -x "$candidate" ]; then own=$candidate; fi
done
if [ -n "$own" ]; then
    summary=$(cd "$home" && env -u MOSHIBAR_ASSETS "MOSHIBAR_LIBRARY=$place/library" "$own" "${talk[@]}") || fail "$own does not talk."
    [ "$(words <<<"$summary")" = "$words" ] || fail "the program of this clone, $own, says something else: $(words <<<"$summary")"
else
    not_tested "whether the program of this clone says the same" "There is none: make run, or make test, makes it."
fi

# ---- What `make install` puts where --------------------------------------------------------------

if [ -z "${1:-}" ]; then
    DESTDIR=$place/system PREFIX=/opt/any "$root/scripts/install.sh" >/dev/null
    diff -r --exclude INSTALL "$place/away/$name" "$place/system/opt/any" || fail "make install installs something else than the package."
    [ -z "$(find "$place/system/opt" ! -perm -o=r)" ] || fail "what make install installs is not for everybody to read."
    DESTDIR=$place/system PREFIX=/opt/any "$root/scripts/install.sh" uninstall >/dev/null
    [ -z "$(find "$place/system" -type f)" ] || fail "make uninstall leaves files."
fi
echo "test-package: done in $SECONDS s${untested:+, and not all of it was tested}."
