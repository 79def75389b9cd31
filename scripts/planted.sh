# Sourced by check-faults.sh, macos/faults.sh and macos/bundle-faults.sh, which plant faults to see
# that a check notices them. They set $copy, where faults are planted, and $log, where the output of
# a check goes.
# shellcheck shell=bash disable=SC2154

# Copies the repository to $copy, with what is not committed yet. Only `target` stays there.
fresh_copy() { # fresh_copy <folder>: in which faults are planted that Cargo must see go again
    mkdir -p "$copy"
    find "$copy" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
    git ls-files -z --cached --others --exclude-standard |
        tar -c --null --files-from - | tar -x -C "$copy"
    git -C "$copy" init --quiet # what the scripts ask of git, they ask of the copy
    # Otherwise Cargo takes a file without the fault for older than the build with it.
    find "$copy/$1" -name '*.rs' -exec touch {} +
    [ ! -d ui/node_modules ] || ln -s "$root/ui/node_modules" "$copy/ui/node_modules"
}

append() { cat >>"$copy/$1"; } # append <file>: standard input

must_pass() { # must_pass <what> <command...>
    if ! "${@:2}" >"$log" 2>&1; then
        tail -n 30 "$log" | cut -c1-300 >&2
        stop "$1 fails without a fault."
    fi
}

# The command passes, but not in silence.
must_say() { # must_say <what> <what it must say> <command...>
    must_pass "$1" "${@:3}"
    grep -qE -- "$2" "$log" || stop "nobody said anything of $1."
    say "$SECONDS s. Said: $1."
}

# The command fails at what was planted, and at nothing else.
must_fail() { # must_fail <what was planted> <what it must say> <command...>
    if "${@:3}" >"$log" 2>&1; then stop "nobody noticed $1."; fi
    if ! grep -qE -- "$2" "$log"; then
        tail -n 30 "$log" | cut -c1-300 >&2
        stop "something else failed than $1."
    fi
    say "$SECONDS s. Noticed: $1."
}
