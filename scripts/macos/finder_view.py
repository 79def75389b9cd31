#!/usr/bin/env python3
"""Writes what the Finder shows of the volume: the picture behind, the app on the left, the link to Applications on the right.

usage: finder_view.py VOLUME/.DS_Store

`make dmg` has the same from Tauri's bundler, by the numbers in scripts/macos/dmg.sh. Whether a Finder likes ours stands in
docs/mac-checklist.md.
"""

import datetime
import sys

from ds_store import DSStore
from mac_alias import Alias
from mac_alias.alias import ALIAS_FIXED_DISK, ALIAS_HFS_VOLUME_SIGNATURE, ALIAS_KIND_FILE, TargetInfo, VolumeInfo

WINDOW = "{{200, 160}, {660, 420}}"
APP, APPLICATIONS = (180, 190), (480, 190)


def picture() -> Alias:
    """The way to it by names: numbers of files are not known before the volume is."""
    now = datetime.datetime.now(datetime.timezone.utc)
    volume = VolumeInfo(b"Moshibar", now, ALIAS_HFS_VOLUME_SIGNATURE, ALIAS_FIXED_DISK, 0, b"\0\0")
    file = TargetInfo(ALIAS_KIND_FILE, b"background.png", 0, 0, now, b"\0\0\0\0", b"\0\0\0\0", folder_name=b".background")
    file.posix_path = b"/.background/background.png"
    volume.posix_path = b"/Volumes/Moshibar"
    return Alias(volume=volume, target=file)


def main(path: str) -> None:
    with DSStore.open(path, "w+") as store:
        store["."]["vSrn"] = ("long", 1)
        store["."]["bwsp"] = {
            "WindowBounds": WINDOW,
            "ShowStatusBar": False,
            "ShowToolbar": False,
            "ShowTabView": False,
            "ShowPathbar": False,
            "ShowSidebar": False,
        }
        store["."]["icvp"] = {
            "viewOptionsVersion": 1,
            "backgroundType": 2,
            "backgroundColorRed": 1.0,
            "backgroundColorGreen": 1.0,
            "backgroundColorBlue": 1.0,
            "backgroundImageAlias": picture().to_bytes(),
            "arrangeBy": "none",
            "gridOffsetX": 0.0,
            "gridOffsetY": 0.0,
            "gridSpacing": 100.0,
            "iconSize": 128.0,
            "labelOnBottom": True,
            "showIconPreview": False,
            "showItemInfo": False,
            "textSize": 13.0,
        }
        store["Moshibar.app"]["Iloc"] = APP
        store["Applications"]["Iloc"] = APPLICATIONS


if __name__ == "__main__":
    main(sys.argv[1])
