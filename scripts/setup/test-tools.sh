#!/usr/bin/env bash
# Installs what scripts/virtual-audio.sh needs, strace, by which a test makes a disk refuse a write, and for the tests of the app a
# screen that nobody sees, WebKit's driver, and Chromium. Called by test-setup.sh.
#
# Where that is not possible, the tests that need them say so and are not run; in CI (the variable CI is set) it is an error. On a Mac there is nothing to install, and nothing of this is tested.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

missing_packages() { # by their Debian and Ubuntu names
    local pair
    for pair in dbus-daemon:dbus-daemon pipewire:pipewire pw-cat:pipewire-bin pw-loopback:pipewire-bin wireplumber:wireplumber \
        setpriv:util-linux chrt:util-linux mount:mount strace:strace Xvfb:xvfb WebKitWebDriver:webkit2gtk-driver \
        xdotool:xdotool chromium:chromium; do
        have "${pair%%:*}" || echo "${pair#*:}"
    done | sort -u
}

untested() {
    [ -z "${CI:-}" ] || stop "$@"
    printf 'setup: warning: %s\n' "$@"
    say "the tests for which they are needed will not be run."
}

[ "$os" = Linux ] || exit 0
mapfile -t packages < <(missing_packages)
[ ${#packages[@]} -gt 0 ] || exit 0
if ! have apt-get; then
    untested "these are missing (Debian's names): ${packages[*]}"
    exit 0
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
    # Tests should not ask for a password.
    if ! have sudo || ! sudo -n true 2>/dev/null; then
        untested "these system packages are missing: ${packages[*]}" "As root, please run:" \
            "    apt-get update && apt-get install --no-install-recommends ${packages[*]}"
        exit 0
    fi
    as_root=(sudo -n)
fi
say "installing these system packages with apt-get, for the tests: ${packages[*]}"
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}" ||
    untested "apt-get could not install them."
