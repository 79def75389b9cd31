#!/usr/bin/env bash
# Runs a command beside a sound system of its own, with a virtual microphone and a virtual speaker (Linux, PipeWire).
#
#   scripts/virtual-audio.sh [--quantum SAMPLES] -- COMMAND...
#
# The user's own sound is neither touched nor needed: the bus, PipeWire and WirePlumber run in a temporary folder and are
# told to leave all real devices alone. Everything is gone when the command ends, fails or is interrupted.
#
#   moshibar-speaker      48 kHz stereo; what is played lies on its ports monitor_FL and monitor_FR
#   moshibar-microphone   48 kHz mono; what is linked to moshibar-feed:playback_MONO is heard by whoever records from it
#
# Where the system allows it, everything runs at real-time priority (chrt -f 20). Without that, another process's load damages
# the sound now and then, silently, and the longer the blocks are, the less. SAMPLES per block at 48 kHz, a power of two:
# 1024 unless said otherwise, or 4096 without real-time priority.
set -euo pipefail

say() { echo "virtual-audio: $*" >&2; }
stop() {
    say "$*"
    exit 2
}
usage="usage: scripts/virtual-audio.sh [--quantum SAMPLES] -- COMMAND..."
quantum=
if [ "${1:-}" = --quantum ]; then
    quantum=${2:-}
    case $quantum in *[!0-9]* | '') stop "$usage" ;; esac
    shift 2
fi
[ "${1:-}" = -- ] && [ $# -gt 1 ] || stop "$usage"
shift
for tool in dbus-daemon pipewire wireplumber pw-cli pw-link setpriv; do
    command -v "$tool" >/dev/null || stop "$tool is missing; scripts/test-setup.sh installs it."
done

folder=
daemons=()
command_pid=

clean_up() {
    local pid environment
    trap '' INT TERM HUP # a second interrupt must not leave half of it
    [ -n "$folder" ] || return 0
    for pid in $command_pid "${daemons[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in $command_pid "${daemons[@]}"; do end_within_two_seconds "$pid"; done
    # What the command started and left: everything in here knows this folder.
    for environment in /proc/[0-9]*/environ; do
        if grep -qzxF "XDG_RUNTIME_DIR=$folder" "$environment" 2>/dev/null; then
            pid=${environment//[!0-9]/}
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
    rm -rf "$folder"
}
end_within_two_seconds() {
    local try
    for try in {1..40}; do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.05
    done
    if kill -0 "$1" 2>/dev/null; then
        say "process $1 did not end in two seconds and was killed."
        kill -KILL "$1" 2>/dev/null || true
    fi
    wait "$1" 2>/dev/null || true
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
folder=$(mktemp -d "${TMPDIR:-/tmp}/moshibar-audio.XXXXXX")
log=$folder/log

# Nothing outlives this script, even if it is killed.
leash=(setpriv --pdeathsig KILL --)
if chrt -f 20 true 2>/dev/null; then
    leash+=(chrt -f 20)
    export MOSHIBAR_VIRTUAL_AUDIO=realtime
    quantum=${quantum:-1024}
else
    export MOSHIBAR_VIRTUAL_AUDIO=ordinary
    quantum=${quantum:-4096}
    say "no real-time priority here: under load the sound may be damaged. Blocks of $quantum samples."
fi

# ---- Settings: for the daemons alone, so that the user's own files matter neither here nor there ------------------------

mkdir -p "$folder/config/pipewire/pipewire.conf.d" "$folder/config/wireplumber/"{main.lua.d,bluetooth.lua.d,wireplumber.conf.d}
# Both devices are in one group: one clock drives them from the beginning, and no new stream can make it change.
cat >"$folder/config/pipewire/pipewire.conf.d/virtual-audio.conf" <<EOF
context.properties = {
    default.clock.rate = 48000
    default.clock.allowed-rates = [ 48000 ]
    default.clock.quantum = $quantum
    default.clock.min-quantum = $quantum
    default.clock.max-quantum = $quantum
    vm.overrides = { default.clock.min-quantum = $quantum }
}
context.objects = [
    { factory = adapter
        args = {
            factory.name = support.null-audio-sink
            node.name = moshibar-speaker
            node.description = "Virtual speaker"
            media.class = Audio/Sink
            audio.rate = 48000
            audio.position = [ FL FR ]
            node.group = moshibar.virtual
            node.pause-on-idle = false
            node.always-process = true
            session.suspend-timeout-seconds = 0
            monitor.channel-volumes = false
        }
    }
    { factory = adapter
        args = {
            factory.name = support.null-audio-sink
            node.name = moshibar-feed
            node.description = "What the virtual microphone hears"
            media.class = Audio/Sink
            audio.rate = 48000
            audio.position = [ MONO ]
            node.group = moshibar.virtual
            node.pause-on-idle = false
            node.always-process = true
            session.suspend-timeout-seconds = 0
            monitor.channel-volumes = false
        }
    }
]
context.modules = [
    { name = libpipewire-module-loopback
        args = {
            node.description = "Virtual microphone"
            audio.rate = 48000
            audio.position = [ MONO ]
            capture.props = {
                node.name = moshibar-feed-tap
                node.target = moshibar-feed
                stream.capture.sink = true
                node.group = moshibar.virtual
                node.passive = true
            }
            playback.props = {
                node.name = moshibar-microphone
                media.class = Audio/Source
                node.group = moshibar.virtual
            }
        }
    }
]
EOF
# WirePlumber 0.4 reads Lua, 0.5 the file after it.
cat >"$folder/config/wireplumber/main.lua.d/51-no-real-devices.lua" <<EOF
alsa_monitor.enabled = false
v4l2_monitor.enabled = false
libcamera_monitor.enabled = false
EOF
echo 'bluez_monitor.enabled = false' >"$folder/config/wireplumber/bluetooth.lua.d/51-no-real-devices.lua"
cat >"$folder/config/wireplumber/wireplumber.conf.d/51-no-real-devices.conf" <<EOF
wireplumber.profiles = {
    main = {
        hardware.audio = disabled
        hardware.bluetooth = disabled
        hardware.video-capture = disabled
    }
}
EOF

# ---- Start ----------------------------------------------------------------------------------------------------------

export XDG_RUNTIME_DIR=$folder DBUS_SESSION_BUS_ADDRESS=unix:path=$folder/bus
unset PIPEWIRE_REMOTE PIPEWIRE_RUNTIME_DIR PULSE_SERVER PULSE_RUNTIME_PATH

start() { # start <what it needs to be ready> <command...>
    local ready=$1 try
    shift
    env XDG_CONFIG_HOME="$folder/config" XDG_STATE_HOME="$folder/state" XDG_CACHE_HOME="$folder/cache" \
        "${leash[@]}" "$@" >>"$log" 2>&1 </dev/null &
    daemons+=($!)
    for try in {1..1200}; do
        ! $ready >/dev/null 2>&1 || return 0
        kill -0 "${daemons[-1]}" 2>/dev/null || break
        sleep 0.05
    done
    tail -n 20 "$log" >&2
    stop "$1 did not start ($((try / 20)) s); its last words are above."
}
bus_is_there() { [ -S "$folder/bus" ]; }
pipewire_answers() { pw-cli info 0; }
devices_are_there() { # the ports come with the session manager, and it names the default devices
    local ports
    ports=$(pw-link -oi) && [[ $ports == *moshibar-speaker:monitor_FR* && $ports == *moshibar-feed:playback_MONO* ]] &&
        [[ $(pw-metadata -n default 0) == *default.audio.source*moshibar-microphone* ]]
}
start bus_is_there dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS"
start pipewire_answers pipewire
start devices_are_there wireplumber

# In the background, so that a signal to this script is heard at once. What bash does to such a command is undone: it
# would read nothing, and not hear Ctrl-C.
env --default-signal=INT,QUIT "${leash[@]}" "$@" <&0 &
command_pid=$!
code=0
wait "$command_pid" || code=$?
command_pid=
for pid in "${daemons[@]}"; do
    kill -0 "$pid" 2>/dev/null || {
        tail -n 20 "$log" >&2
        say "a part of the sound system died under way; its last words are above."
        [ "$code" != 0 ] || code=3
    }
done
exit "$code"
