#!/usr/bin/env bash
# Makes what people get on Linux: target/package/moshibar-VERSION-x86_64-linux.tar.gz, with its
# .sha256 beside. `make package`.
#
# It has one folder in it, which runs where it is unpacked. Before it is packed, what the loader
# will ask of another machine is held against what Debian 12 and Ubuntu 22.04 have; a build on a
# newer system fails here, not there.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup/cache.sh"
# shellcheck source-path=SCRIPTDIR source=package/program.sh
. "$(dirname "${BASH_SOURCE[0]}")/package/program.sh"
[ "$os" = Linux ] || stop "this packs the program for Linux. For a Mac: make dmg"

# The newest of each that Ubuntu 22.04 has, whose are the oldest: glibc 2.35, and libstdc++, libgcc
# of GCC 12, alsa-lib 1.2.6.
newest_of() {
    case $1 in
    GLIBCXX) echo 3.4.30 ;;
    GLIBC*) echo 2.35 ;; # also what has no number: GLIBC_ABI_DT_RELR is of 2.36
    CXXABI) echo 1.3.13 ;;
    GCC) echo 12.0.0 ;;
    ALSA) echo 1.2.6 ;;
    *) return 1 ;; # what our own libraries call their symbols
    esac
}
# Who has these has Debian's libc6, libgcc-s1, libstdc++6, libasound2 and libpipewire-0.3-0: the
# text below names them.
may_need=(ld-linux-x86-64.so.2 libasound.so.2 libc.so.6 libgcc_s.so.1 libm.so.6 libpipewire-0.3.so.0 libstdc++.so.6)

# PipeWire's symbols have no versions: these were there in 0.3.48, which Ubuntu 22.04 has. Before
# you add one that the headers say is newer, see crates/audio/src/backend/cpal/older_pipewire.rs.
may_call=(pw_context_connect pw_context_destroy pw_context_new pw_core_disconnect pw_deinit pw_init pw_main_loop_destroy
    pw_main_loop_get_loop pw_main_loop_new pw_main_loop_quit pw_main_loop_run pw_properties_free pw_properties_new
    pw_properties_set pw_proxy_destroy pw_proxy_get_type pw_stream_add_listener pw_stream_connect pw_stream_dequeue_buffer
    pw_stream_destroy pw_stream_disconnect pw_stream_get_time pw_stream_new pw_stream_queue_buffer pw_stream_set_active)

check_symbols() { # check_symbols <file>: it asks for no version that is too new; prints the newest of each
    local wanted name newest all faults=()
    # The loader looks at this list, not at the symbols; it forgives a version that is only wanted
    # weakly.
    mapfile -t all < <(LC_ALL=C readelf --version-info --wide "$1" |
        sed -n '/^Version needs/,$ s/.*Name: \([^ ]*\) *Flags: none.*/\1/p' | sort -V -u)
    for wanted in "${all[@]}"; do
        newest=$(newest_of "${wanted%_*}") || continue
        at_least "${wanted##*_}" "$newest" || faults+=("$wanted: $(symbols_of "$1" "$wanted")")
    done
    [ ${#faults[@]} = 0 ] || stop "$(basename "$1") asks for symbols that Ubuntu 22.04 does not have, so it would not start there:" \
        "${faults[@]/#/    }" "Build the package on Debian 12."
    for name in GLIBC GLIBCXX CXXABI GCC ALSA; do printf '%s\n' "${all[@]}" | sed -n "/^${name}_/p" | tail -n 1; done | paste -sd' ' -
}

check_calls() { # check_calls <program>: it calls nothing of PipeWire that an older one lacks
    local name
    for name in $(LC_ALL=C objdump -T "$1" | awk '/\*UND\*/ && $NF ~ /^pw_/ { print $NF }'); do
        [[ " ${may_call[*]} " = *" $name "* ]] || stop "$(basename "$1") calls $name of PipeWire, which is not known to be in 0.3.48" \
            "of Ubuntu 22.04. If it is there, name it in scripts/package.sh; if not, the program would not start there."
    done
}

symbols_of() { # symbols_of <file> <version>
    LC_ALL=C objdump -T "$1" | awk -v version="$2" 'index($0, version ")") || index($0, " " version " ") { print $NF }' |
        paste -sd' ' -
}

check_libraries() { # check_libraries <folder>: every library that is needed lies in it, or is one that people are told of
    local file needed
    while IFS= read -r file; do
        for needed in $(LC_ALL=C readelf --dynamic --wide "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
            [[ " ${may_need[*]} " = *" $needed "* ]] || [ -n "$(find "$1/lib" -name "$needed")" ] ||
                stop "$(basename "$file") needs $needed, which is neither in the package nor among what INSTALL names." \
                    "Add it to one of both, in scripts/package.sh or scripts/package/program.sh."
        done
    done < <(programs_in "$1")
}

programs_in() { find "$1/bin" "$1/lib" -type f; }

check_paths() { # check_paths <folder>: who built it stays unknown, and nothing is looked for on that machine
    local file place
    while IFS= read -r file; do
        for place in "$root/" "$cache/" "$HOME/"; do
            ! grep -qaF "$place" "$file" || stop "$(basename "$file") has the folder $place of this machine in it:" \
                "$(strings -a "$file" | grep -F "$place" | head -n 3)"
        done
    done < <(programs_in "$1")
}

build
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
name=moshibar-$version-$(uname -m)-linux
out=${CARGO_TARGET_DIR:-$root/target}/package
folder=$out/$name
rm -rf "$out"
install -d -m 755 "$out" "$folder"
lay_out "$folder"
cat >"$folder/INSTALL" <<EOF
Moshibar $version: talk with Moshi on your own machine

    bin/moshibar live        talks through your microphone and speaker, with the built-in demo model
    bin/moshibar doctor      what this machine has, and what is wrong
    bin/moshibar --help      the rest

It runs where it is unpacked, for every user; nothing has to be installed. This folder can be moved
or copied as a whole, and linked to: ln -s "\$PWD/bin/moshibar" ~/.local/bin/

It needs a processor of the kind x86-64, Debian 12 or Ubuntu 22.04 or newer, and the libraries of
ALSA and PipeWire, which desktops have. If bin/moshibar says that it cannot open libasound.so.2
or libpipewire-0.3.so.0, install them:

    apt-get install libasound2 libpipewire-0.3-0            Debian 12, Ubuntu 22.04
    apt-get install libasound2t64 libpipewire-0.3-0t64      Debian 13, Ubuntu 24.04

Models that you fetch go to ~/.local/share/moshibar. The licences are in share/doc/moshibar.
EOF
chmod 644 "$folder/INSTALL"

while IFS= read -r file; do
    needs=$(check_symbols "$file")
    say "$(basename "$file") needs at most: $needs"
done < <(programs_in "$folder")
check_calls "$folder/bin/moshibar"
check_libraries "$folder"
check_paths "$folder"

# The same files make the same archive: no names, times or order of this machine.
committed=$(git log -1 --format=%ct 2>/dev/null || echo 0)
tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$committed" -cf - "$name" |
    gzip -9n >"$out/$name.tar.gz"
rm -r "$folder"
(cd "$out" && "${sha256[@]}" "$name.tar.gz" >"$name.tar.gz.sha256")
say "done: $out/$name.tar.gz, $(stat -c %s "$out/$name.tar.gz") bytes;" \
    "the program in it has $(stat -c %s "$program")."
