# Sourced by setup.sh and others: the cache folder that all clones share, and how a folder gets into
# it.
#
# Every folder there is named after a hash of what it was made from, and appears only when it is complete.
# shellcheck shell=bash disable=SC2034

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
os=$(uname -s)
if [ "$os" = Darwin ]; then
    cache=${MOSHIBAR_CACHE:-$HOME/Library/Caches/moshibar}
else
    cache=${MOSHIBAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/moshibar}
fi
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac

# Where an installed program finds MLX: in the folders of the wheel, because MLX looks for its own
# libraries from there, too.
if [ "$os" = Darwin ]; then beside=@executable_path; else beside="\$ORIGIN"; fi
installed_mlx=$beside/../lib/moshibar/mlx/lib
work= # the unfinished folder of this process, once there is one

say() { echo "setup: $*"; }
stop() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; } # at_least <wanted> <found>

if have sha256sum; then sha256=(sha256sum); else sha256=(shasum -a 256); fi
short_hash() { "${sha256[@]}" | cut -c1-12; } # of standard input
hash_files() { # of the files in a folder, names included
    (cd "$1" && find . -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 "${sha256[@]}")
}

lock() { # one process at a time may write to the cache
    if have flock; then
        exec 9>"$cache/setup.lock"
        flock -n 9 || {
            say "another setup is at work; waiting for it."
            flock 9
        }
    else # macOS has no flock: a folder that names the process which made it
        local lock=$cache/setup.lock.d told=
        until mkdir "$lock" 2>/dev/null; do
            if [ -e "$lock/pid" ] && ! kill -0 "$(cat "$lock/pid")" 2>/dev/null; then
                rm -rf "$lock" # whoever held it was killed
                continue
            fi
            [ -n "$told" ] || say "another setup is at work; waiting for it. (If there is none, remove $lock)"
            told=yes
            sleep 1
        done
        echo $$ >"$lock/pid"
    fi
}

unlock() { # before anything else runs: it may be a script that wants the lock itself
    if have flock; then
        exec 9>&-
    elif [ "$(cat "$cache/setup.lock.d/pid" 2>/dev/null)" = $$ ]; then
        rm -rf "$cache/setup.lock.d"
    fi
}

finish() { # whatever happens, leave no half-made folder and no lock
    [ -z "$work" ] || rm -rf "$work"
    unlock
}

make_once() { # make_once <folder of the cache> <command...>: gives the command an empty folder, then moves it into place
    local folder=$1
    shift
    [ ! -d "$folder" ] || return 0
    mkdir -p "$cache"
    trap finish EXIT
    trap 'exit 130' INT TERM
    lock
    if [ ! -d "$folder" ]; then # else another process made it while we waited
        [ -n "$work" ] || work=$(mktemp -d "$cache/unfinished.XXXXXX")
        mkdir "$work/new"
        "$@" "$work/new" 9>&-
        mv "$work/new" "$folder"
    fi
    unlock
}

pip() { # Debian's python3 may lack pip, but its venv brings one
    if python3 -m pip --version >/dev/null 2>&1; then
        PIP_REQUIRE_VIRTUALENV=false python3 -m pip --disable-pip-version-check --quiet "$@"
    else
        [ -d "$work/pip" ] || python3 -m venv "$work/pip"
        "$work/pip/bin/python" -m pip --disable-pip-version-check --quiet "$@"
    fi
}

packages_in() { sed -n 's/^\([A-Za-z0-9_.-]*==[^ ;]*\).*/\1/p' "$1" | paste -sd' ' -; } # packages_in <requirements>

folder_of() { echo "$cache/$(packages_in "$1" | sed 's/==/-/')-$(short_hash <"$1")"; } # folder_of <requirements of one package>

unpack_wheels() { # unpack_wheels <requirements> <platform tag> <out>
    local wheel
    say "downloading $(packages_in "$1") from PyPI. The hashes are pinned in ${1#"$root"/}."
    pip download --no-deps --only-binary=:all: --require-hashes --python-version 3.12 --platform "$2" \
        --requirement "$1" --dest "$work/wheels"
    for wheel in "$work"/wheels/*.whl; do
        python3 -m zipfile -e "$wheel" "$3"
    done
    rm -r "$work/wheels"
}

unpack_tool() { # unpack_tool <name> <requirements> <platform tag> <out>: the program as <out>/bin/<name>
    unpack_wheels "$2" "$3" "$4"
    mv "$4"/*.data/scripts "$4/bin"
    chmod +x "$4/bin/$1"
    case $("$4/bin/$1" --version) in
    "$1 $(packages_in "$2" | sed 's/.*==//')"*) ;;
    *) stop "the package $(packages_in "$2") does not have that version of $1." ;;
    esac
}

# Cargo's tools as their packagers built them: a second instead of minutes of compiling.
wheel_tool() { # wheel_tool <name>: prints the folder with the program that scripts/setup/<name>.txt pins, to be put on the PATH
    set -e # Bash forgets it inside of $(...)
    local requirements=$here/$1.txt platform=manylinux_2_17_x86_64 folder
    [ "$os" != Darwin ] || platform=macosx_11_0_arm64
    folder=$(folder_of "$requirements")
    make_once "$folder" unpack_tool "$1" "$requirements" "$platform" >&2
    echo "$folder/bin"
}

make_venv() { # make_venv <requirements> <out>
    say "installing $(packages_in "$1") from PyPI. The hashes are pinned in $(basename "$1")."
    python3 -m venv "$2"
    "$2/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps --only-binary=:all: --require-hashes \
        --requirement "$1"
    find "$2/bin" -type f -delete # programs that know the folder's first name only; python itself is a link
}

install_cargo_tool() { # install_cargo_tool <name> <version> <how long that takes> [its crate, with flags...] <out>
    local name=$1 version=$2 crate=("${@:4:$#-4}") out=${*: -1}
    say "compiling $name $version into the cache, once. This takes $3."
    # From an empty folder: Cargo's settings for this repository are not for this program.
    (cd "$out" && cargo install "${crate[@]:-$name}" --quiet --version "$version" --locked --root "$out" --target-dir "$work/target")
}

cargo_tool() { # cargo_tool <name> <version> <how long that takes> [its crate, with flags...]: this version, from the PATH or the cache
    if ! have "$1" || [ "$("$1" --version)" != "$1 $2" ]; then
        make_once "$cache/$1-$2" install_cargo_tool "$@"
        PATH=$cache/$1-$2/bin:$PATH
    fi
}
