#!/usr/bin/env python3
"""Compresses a raw disk image into a .dmg that macOS opens (UDIF, zlib), where there is no hdiutil.

usage: disk_image.py RAW.img OUT.dmg

A UDIF file is the disk in compressed runs, a property list with the table of those runs (`mish`), and a trailer (`koly`) that says where
everything is, all numbers big-endian. The layout is that of the structures UDIFResourceFile and BLKXTable, as
https://newosxbook.com/DMG.html describes them.
"""

import argparse
import plistlib
import struct
import uuid
import zlib
from pathlib import Path

SECTOR = 512
SECTORS_A_RUN = 512
RAW_RUN, ZERO_RUN, ZLIB_RUN, END_RUN = 0x0000_0001, 0x0000_0002, 0x8000_0005, 0xFFFF_FFFF
CRC32 = 2


def checksum(value: int) -> bytes:
    return struct.pack(">III124x", CRC32, 32, value)


def runs_of(disk: bytes):
    """Yields for each run its kind, first sector, number of sectors and bytes."""
    for begin in range(0, len(disk), SECTORS_A_RUN * SECTOR):
        part = disk[begin : begin + SECTORS_A_RUN * SECTOR]
        packed = zlib.compress(part, 9)
        if not any(part):
            kind, packed = ZERO_RUN, b""
        elif len(packed) < len(part):
            kind = ZLIB_RUN
        else:
            kind, packed = RAW_RUN, part
        yield kind, begin // SECTOR, len(part) // SECTOR, packed


def image_of(disk: bytes) -> bytes:
    disk += b"\0" * (-len(disk) % SECTOR)
    sectors = len(disk) // SECTOR
    data, table = bytearray(), bytearray()
    for kind, first, count, packed in runs_of(disk):
        table += struct.pack(">IIQQQQ", kind, 0, first, count, len(data), len(packed))
        data += packed
    table += struct.pack(">IIQQQQ", END_RUN, 0, sectors, 0, len(data), 0)

    whole = zlib.crc32(disk)
    buffers = SECTORS_A_RUN + 8  # sectors that a reader needs for a run
    blocks = struct.pack(">4sIQQQII24x", b"mish", 1, 0, sectors, 0, buffers, 0)
    blocks += checksum(whole) + struct.pack(">I", len(table) // 40) + table
    entry = {"Attributes": "0x0050", "CFName": "whole disk", "Data": bytes(blocks), "ID": "0", "Name": "whole disk"}
    properties = plistlib.dumps({"resource-fork": {"blkx": [entry], "plst": []}})

    trailer = struct.pack(">4sIII", b"koly", 4, SECTOR, 1)
    trailer += struct.pack(">QQQQQ", 0, 0, len(data), 0, 0) + struct.pack(">II", 1, 1) + uuid.uuid4().bytes
    trailer += checksum(zlib.crc32(data)) + struct.pack(">QQ120x", len(data), len(properties))
    trailer += checksum(zlib.crc32(struct.pack(">I", whole))) + struct.pack(">IQ12x", 1, sectors)
    return bytes(data) + properties + trailer


def main() -> None:
    parser = argparse.ArgumentParser(description="Compresses a raw disk image into a .dmg.")
    parser.add_argument("raw", type=Path)
    parser.add_argument("image", type=Path)
    arguments = parser.parse_args()
    arguments.image.write_bytes(image_of(arguments.raw.read_bytes()))


if __name__ == "__main__":
    main()
