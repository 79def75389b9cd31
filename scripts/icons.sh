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
rsvg-convert --width 660 --height 400 assets/macos/background.svg --output assets/macos/background.png
for size in 32 128 256 512 1024; do
    rsvg-convert --width $size --height $size assets/icon/icon.svg --output "assets/icon/$size.png"
done

# The app's icon for macOS: PNG pictures in a row, each with four letters that say how large it is, and the bytes it takes.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for size in 16 32 64 128 256 512 1024; do
    rsvg-convert --width $size --height $size assets/icon/icon.svg --output "$folder/$size.png"
done
python3 - "$folder" assets/icon/Moshibar.icns <<'PYTHON'
import pathlib, struct, sys
folder, icon = map(pathlib.Path, sys.argv[1:])
kinds = dict(icp4=16, ic11=32, icp5=32, ic12=64, ic07=128, ic13=256, ic08=256, ic14=512, ic09=512, ic10=1024)
pictures = [(kind, (folder / f"{size}.png").read_bytes()) for kind, size in kinds.items()]
parts = b"".join(struct.pack(">4sI", kind.encode(), 8 + len(picture)) + picture for kind, picture in pictures)
icon.write_bytes(struct.pack(">4sI", b"icns", 8 + len(parts)) + parts)
PYTHON
