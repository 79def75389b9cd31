#!/usr/bin/env bash
# Runs a command with a screen that nobody sees (Linux, Xvfb). The screen is gone when the command ends.
#
#   scripts/with-screen.sh COMMAND...
set -euo pipefail
command -v Xvfb >/dev/null || {
    echo "with-screen: Xvfb is missing; scripts/test-setup.sh installs it." >&2
    exit 2
}
folder=$(mktemp -d)
screen=
trap '[ -z "$screen" ] || kill "$screen" 2>/dev/null || true; rm -rf "$folder"' EXIT
# The server chooses a number that is free, and says it when it is ready. It goes on when its last
# client has left: while it begins anew, as it would, the next client is turned away.
mkfifo "$folder/number"
setpriv --pdeathsig KILL -- Xvfb -displayfd 3 -noreset -screen 0 1280x1000x24 -nolisten tcp 3>"$folder/number" 2>"$folder/log" &
screen=$!
if ! read -r -t 60 number <"$folder/number"; then
    cat "$folder/log" >&2
    echo "with-screen: Xvfb did not start." >&2
    exit 2
fi
export DISPLAY=:$number GDK_BACKEND=x11 NO_AT_BRIDGE=1
unset WAYLAND_DISPLAY
"$@"
