#!/usr/bin/env python3
"""Says what is wrong with the app for macOS, before a Mac does. Nothing printed and exit code 0: nothing was found.

usage: lint.py sources ROOT
       lint.py executable FILE...
       lint.py bundle ROOT Moshibar.app {ad-hoc,developer-id}

`sources` looks at what is kept in the repository, `executable` at what was linked, `bundle` at the whole app, which `make
macos-bundle` builds on Linux and `make dmg` on a Mac. Needs macholib (python.txt).
"""

import argparse
import hashlib
import json
import os
import plistlib
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from macholib.MachO import MachO
from macholib.mach_o import (
    CPU_TYPE_NAMES,
    LC_BUILD_VERSION,
    LC_CODE_SIGNATURE,
    LC_LOAD_DYLIB,
    LC_LOAD_WEAK_DYLIB,
    LC_REEXPORT_DYLIB,
    LC_RPATH,
    LC_SYMTAB,
    MH_MAGIC_64,
)

IDENTIFIER = "app.moshibar"
MINIMUM_OS = (14, 0)
LANGUAGES = ["en", "fr", "ja"]
FRAMEWORKS_PATH = "@executable_path/../Frameworks"
OWN_LIBRARY = "@rpath/libmlx.dylib"
SYSTEM_FOLDERS = ("/System/Library/Frameworks/", "/usr/lib/")
MOST_BYTES = 200_000_000

# Objective-C by names that only a Mac would miss.
UNTYPED = re.compile(r"\b(msg_send|class|sel)!\(|\bdefine_class!\(|\bAnyClass::get\(")

MH_PIE, MH_TWOLEVEL = 0x20_0000, 0x80
PLATFORM_MACOS = 1
# <mach-o/nlist.h>: an undefined symbol that may come from anywhere, so that nobody notices when it comes from nowhere.
N_STAB, N_TYPE, DYNAMIC_LOOKUP_ORDINAL = 0xE0, 0x0E, 0xFE
# <kern/cs_blobs.h>
SIGNATURE_MAGIC, DIRECTORY_MAGIC, ENTITLEMENTS_MAGIC = 0xFADE0CC0, 0xFADE0C02, 0xFADE7171
AD_HOC, HARDENED_RUNTIME = 0x2, 0x10000

# What an icon of macOS 11 and later has, by its four letters: 16 to 512 points, at one and two pixels a point.
ICON_SIZES = {
    b"icp4": 16, b"ic11": 32, b"icp5": 32, b"ic12": 64, b"ic07": 128, b"ic13": 256, b"ic08": 256, b"ic14": 512, b"ic09": 512, b"ic10": 1024,
}  # fmt: skip


class Executable:
    """One image: an executable or a library, for one architecture."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        self.headers = MachO(str(path)).headers

    def commands(self, *kinds: int) -> Iterator[tuple]:
        for header in self.headers:
            yield from ((command, data) for load, command, data in header.commands if load.cmd in kinds)

    def libraries(self) -> list[str]:
        return [text(data) for _, data in self.commands(LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB)]

    def minimum_os(self) -> tuple[int, int] | None:
        for command, _ in self.commands(LC_BUILD_VERSION):
            version = int(command.minos)
            return version >> 16, (version >> 8) & 0xFF
        return None

    def platform(self) -> int | None:
        return next((int(command.platform) for command, _ in self.commands(LC_BUILD_VERSION)), None)

    def looked_up_anywhere(self) -> Iterator[str]:
        """Yields the undefined symbols that no library was named for."""
        for command, _ in self.commands(LC_SYMTAB):
            for index in range(command.nsyms):
                name, kind, _section, description, _value = struct.unpack_from("<IBBHQ", self.data, command.symoff + 16 * index)
                if not kind & N_STAB and not kind & N_TYPE and description >> 8 == DYNAMIC_LOOKUP_ORDINAL:
                    begin = command.stroff + name
                    yield self.data[begin : self.data.index(b"\0", begin)].decode()

    def signature(self) -> dict[int, bytes]:
        """The parts of the embedded signature by their magic numbers, without their headers."""
        parts = {}
        for command, _ in self.commands(LC_CODE_SIGNATURE):
            blob = self.data[command.dataoff : command.dataoff + command.datasize]
            magic, _length, count = struct.unpack_from(">III", blob)
            if magic != SIGNATURE_MAGIC:
                continue
            for index in range(count):
                _slot, offset = struct.unpack_from(">II", blob, 12 + 8 * index)
                magic, length = struct.unpack_from(">II", blob, offset)
                parts.setdefault(magic, blob[offset + 8 : offset + length])
        return parts


def text(data: bytes) -> str:
    return data.rstrip(b"\0").decode()


def is_mach_o(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4)
    return start in (struct.pack("<I", MH_MAGIC_64), b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")


# ---- What is wrong with it ------------------------------------------------------------------------------------------


def wrong_with_info(info: dict) -> Iterator[str]:
    version = ".".join(map(str, MINIMUM_OS))
    wanted = {"LSUIElement": True, "LSMinimumSystemVersion": version, "NSHighResolutionCapable": True, "CFBundleDevelopmentRegion": "en"}
    for key, value in wanted.items():
        if info.get(key) != value:
            yield f"{key} is {info.get(key)!r}, and must be {value!r}"
    if not info.get("NSMicrophoneUsageDescription", "").strip():
        yield "NSMicrophoneUsageDescription is missing: macOS ends an app that opens the microphone without it"
    if sorted(info.get("CFBundleLocalizations", [])) != LANGUAGES:
        yield f"CFBundleLocalizations is {info.get('CFBundleLocalizations')!r}, and must be {LANGUAGES}"


def wrong_with_languages(folder: Path) -> Iterator[str]:
    for language in LANGUAGES:
        path = folder / f"{language}.lproj/InfoPlist.strings"
        if not path.exists() or not re.search(r'^"NSMicrophoneUsageDescription" = "[^"]+";$', path.read_text(), re.MULTILINE):
            yield f"{path}: no NSMicrophoneUsageDescription"


def wrong_with_icon(path: Path) -> Iterator[str]:
    data = path.read_bytes()
    if data[:4] != b"icns" or struct.unpack_from(">I", data, 4)[0] != len(data):
        yield f"{path} is no icon"
        return
    sizes, offset = {}, 8
    while offset < len(data):
        kind, length = struct.unpack_from(">4sI", data, offset)
        if data[offset + 8 : offset + 16] == b"\x89PNG\r\n\x1a\n":
            sizes[kind] = struct.unpack_from(">II", data, offset + 24)
        offset += max(8, length)
    for kind, size in ICON_SIZES.items():
        if sizes.get(kind) != (size, size):
            yield f"{path}: the picture {kind.decode()} is {sizes.get(kind)}, and must be of {size} pixels"


def wrong_with_sources(root: Path) -> Iterator[str]:
    yield from wrong_with_info(plistlib.loads((root / "Info.plist").read_bytes()))
    own = plistlib.loads((root / "entitlements.plist").read_bytes())
    if own != {"com.apple.security.device.audio-input": True}:
        yield f"entitlements.plist grants {sorted(own)}, and must grant the microphone alone"
    ad_hoc = plistlib.loads((root / "scripts/macos/entitlements-ad-hoc.plist").read_bytes())
    if ad_hoc != own | {"com.apple.security.cs.disable-library-validation": True}:
        yield f"entitlements-ad-hoc.plist grants {sorted(ad_hoc)}, and must add the loading of libmlx.dylib alone"
    tauri = json.loads((root / "src-tauri/tauri.conf.json").read_text())
    if tauri["identifier"] != IDENTIFIER:
        yield f"tauri.conf.json calls the app {tauri['identifier']}: permissions and settings hang on {IDENTIFIER}"
    if tauri["bundle"]["macOS"]["minimumSystemVersion"] != ".".join(map(str, MINIMUM_OS)):
        yield "tauri.conf.json has another minimumSystemVersion than Info.plist, and Tauri has the app linked for it"
    for path in [*root.glob("crates/*/src/**/*.rs"), *root.glob("src-tauri/src/**/*.rs")]:
        if untyped := UNTYPED.search(path.read_text()):
            yield f"{path} has {untyped.group()}, which nobody checks: use objc2's typed bindings"
    if not (root / "src-tauri/Info.plist").samefile(root / "Info.plist"):
        yield "src-tauri/Info.plist, which Tauri reads, is not the one at the top"
    yield from wrong_with_languages(root / "assets/macos")
    yield from wrong_with_icon(root / "assets/icon/Moshibar.icns")


def wrong_with_image(image: Executable, *, is_ours: bool) -> Iterator[str]:
    if len(image.headers) != 1 or CPU_TYPE_NAMES.get(image.headers[0].header.cputype) != "ARM64":
        yield "is not for Apple silicon alone"
        return
    minimum = image.minimum_os()
    if image.platform() != PLATFORM_MACOS or minimum is None:
        yield "does not say that it is for macOS"
    elif minimum > MINIMUM_OS or (is_ours and minimum != MINIMUM_OS):
        yield f"needs macOS {minimum[0]}.{minimum[1]}, and Info.plist promises {MINIMUM_OS[0]}.{MINIMUM_OS[1]}"
    if not image.headers[0].header.flags & MH_TWOLEVEL:
        yield "has a flat namespace: which library has a symbol must be written down"
    for symbol in image.looked_up_anywhere():
        yield f"looks for {symbol} in every library, which hides that it is in none"
    for library in image.libraries():
        if not library.startswith(SYSTEM_FOLDERS) and library != OWN_LIBRARY:
            yield f"needs {library}, which is neither macOS's nor {OWN_LIBRARY}"


def wrong_with_executable(image: Executable) -> Iterator[str]:
    yield from wrong_with_image(image, is_ours=True)
    if not image.headers[0].header.flags & MH_PIE:
        yield "is not position independent"
    paths = [text(data) for _, data in image.commands(LC_RPATH)]
    if paths != [FRAMEWORKS_PATH]:
        yield f"looks for libraries in {paths}, and must in {FRAMEWORKS_PATH} alone"


def wrong_with_signature(image: Executable, entitlements: dict, *, is_ad_hoc: bool) -> Iterator[str]:
    parts = image.signature()
    if DIRECTORY_MAGIC not in parts:
        yield "is not signed"
        return
    flags = struct.unpack_from(">I", parts[DIRECTORY_MAGIC], 4)[0]
    if not flags & HARDENED_RUNTIME:
        yield "is signed without the hardened runtime"
    if bool(flags & AD_HOC) != is_ad_hoc:
        yield f"is {'not ' if is_ad_hoc else ''}signed ad hoc"
    granted = plistlib.loads(parts[ENTITLEMENTS_MAGIC]) if ENTITLEMENTS_MAGIC in parts else {}
    if granted != entitlements:
        yield f"is granted {sorted(granted)}, and must be granted {sorted(entitlements)}"


def paths_of_builder(root: Path) -> list[bytes]:
    """What begins every path on the machine that built it."""
    folders = {str(Path.home()), str(root.resolve()), os.environ.get("CARGO_TARGET_DIR", ""), "/home/", "/Users/"}
    return [folder.encode() for folder in folders if folder.strip("/")]


def wrong_with_bundle(root: Path, app: Path, *, is_ad_hoc: bool) -> Iterator[str]:
    contents = app / "Contents"
    info = plistlib.loads((contents / "Info.plist").read_bytes())
    yield from wrong_with_info(info)
    version = re.search(r'^version = "(.+)"$', (root / "Cargo.toml").read_text(), re.MULTILINE)
    wanted = {
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundlePackageType": "APPL",
        "CFBundleName": "Moshibar",
        "CFBundleShortVersionString": version and version.group(1),
    }
    for key, value in wanted.items():
        if info.get(key) != value:
            yield f"{key} is {info.get(key)!r}, and must be {value!r}"
    yield from wrong_with_languages(contents / "Resources")
    icon = contents / "Resources" / info.get("CFBundleIconFile", "")
    yield from wrong_with_icon(icon) if icon.is_file() else [f"the icon {icon.name!r} is missing"]
    hash_of_kernels, _ = (root / "scripts/macos/mlx.metallib.sha256").read_text().split()
    kernels = contents / "Resources/mlx.metallib"
    if not kernels.is_file() or hashlib.sha256(kernels.read_bytes()).hexdigest() != hash_of_kernels:
        yield "Resources/mlx.metallib is not that of MLX's wheel"

    executable = contents / "MacOS" / info.get("CFBundleExecutable", "")
    library = contents / "Frameworks/libmlx.dylib"
    images = {path for path in app.rglob("*") if path.is_file() and not path.is_symlink() and is_mach_o(path)}
    for path in sorted(images - {executable, library}):
        yield f"{path.relative_to(app)} is code that nobody asked for"
    for path in sorted({executable, library} - images):
        yield f"{path.relative_to(app)} is missing"
    name = "scripts/macos/entitlements-ad-hoc.plist" if is_ad_hoc else "entitlements.plist"
    entitlements = plistlib.loads((root / name).read_bytes())
    for path in sorted(images & {executable, library}):
        image = Executable(path)
        found = list(wrong_with_executable(image) if path == executable else wrong_with_image(image, is_ours=False))
        found += wrong_with_signature(image, entitlements if path == executable else {}, is_ad_hoc=is_ad_hoc)
        if path == executable:
            found += [f"has {folder.decode()} in it, a folder of the machine that built it" for folder in paths_of_builder(root) if folder in image.data]
        yield from (f"{path.relative_to(app)} {what}" for what in found)

    size = sum(path.stat().st_size for path in app.rglob("*") if path.is_file() and not path.is_symlink())
    if size > MOST_BYTES:
        yield f"the app has {size:,} bytes, and must not have more than {MOST_BYTES:,}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Says what is wrong with the app for macOS.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("sources").add_argument("root", type=Path)
    kinds.add_parser("executable").add_argument("files", type=Path, nargs="+")
    bundle = kinds.add_parser("bundle")
    bundle.add_argument("root", type=Path)
    bundle.add_argument("app", type=Path)
    bundle.add_argument("signed", choices=["ad-hoc", "developer-id"])
    arguments = parser.parse_args()
    match arguments.kind:
        case "sources":
            found = list(wrong_with_sources(arguments.root))
        case "executable":
            found = [f"{path} {what}" for path in arguments.files for what in wrong_with_executable(Executable(path))]
        case _:
            found = list(wrong_with_bundle(arguments.root, arguments.app, is_ad_hoc=arguments.signed == "ad-hoc"))
    for what in found:
        print(f"lint: {what}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
