#!/usr/bin/env bash
# Draws the icons again: PNG pictures of the tray and of the app from the SVG files in assets/.
#
# To be run when an SVG file has changed; the pictures are committed, so that nobody needs rsvg-convert to build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v rsvg-convert >/dev/null || {
    echo "icons: rsvg-convert is missing (Debian: librsvg2-bin, Homebrew: librsvg)." >&2
    exit 2
}
for picture in assets/tray/*.svg; do
    rsvg-convert --width 44 --height 44 "$picture" --output "${picture%.svg}.png" # 22 points, at the density of every Mac's screen
done
for size in 32 128 256 512 1024; do
    rsvg-convert --width $size --height $size assets/icon/icon.svg --output "assets/icon/$size.png"
done
