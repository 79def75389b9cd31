#!/usr/bin/env python3
"""Writes a stub SDK: for each of Apple's libraries a text file that says which symbols it has, so that a linker can be asked.

usage: stub_sdk.py --crates FILE --symbols FILE --lib-system FILE OUT

A crate that binds a library declares its functions and constants in `extern` blocks; the objc2 family has them generated from Apple's
headers. So a symbol is there if a crate of ours declares it for that library, or if symbols.txt has it, and the linker refuses the rest.
What this cannot see: a crate that declares a name that never was. Objective-C classes and selectors are looked up at run time.

The files are text-based stubs, version 4: https://llvm.org/docs/CommandGuide/llvm-readtapi.html
"""

import argparse
import re
from collections import defaultdict
from pathlib import Path

TARGET = "arm64-macos"

# Which library a crate binds where it does not say so itself.
LIBRARY_OF_CRATE = {
    "core-foundation": "CoreFoundation",
    "core-foundation-sys": "CoreFoundation",
    "core-graphics": "CoreGraphics",
    "core-graphics-types": "CoreGraphics",
    "objc2": "objc",
    "objc2-app-kit": "AppKit",
    "objc2-core-foundation": "CoreFoundation",
    "objc2-exception-helper": "objc",
    "objc2-foundation": "Foundation",
    "objc2-security": "Security",
    "security-framework-sys": "Security",
    "system-configuration-sys": "SystemConfiguration",
}

# They declare what libSystem has, and zig's list has all of that.
CRATES_OF_LIB_SYSTEM = {"libc", "mach2"}

# Linked because a crate asks for the framework, whether or not a symbol of it is used.
FRAMEWORKS = """
    AVFAudio AVFoundation Accelerate AppKit ApplicationServices AudioToolbox AudioUnit Carbon CoreAudio CoreFoundation CoreGraphics
    CoreMedia CoreServices CoreText CoreVideo Foundation IOKit Metal MetalKit Network QuartzCore Security ServiceManagement
    SystemConfiguration UserNotifications WebKit
""".split()

# What is no framework, by its name for the linker.
LIBRARIES = {
    "System": "/usr/lib/libSystem.B.dylib",
    "c++": "/usr/lib/libc++.1.dylib",
    "charset": "/usr/lib/libcharset.1.dylib",
    "iconv": "/usr/lib/libiconv.2.dylib",
    "objc": "/usr/lib/libobjc.A.dylib",
}

# Other names under which programs link libSystem.
NAMES_OF_LIB_SYSTEM = ["c", "dl", "m", "pthread"]

EXTERN_BLOCK = re.compile(r'((?:#\[[^\n]*\]\s*)*)(?:unsafe\s+)?extern\s+"(?:C|C-unwind|system)"\s*\{')
FRAMEWORK = re.compile(r'link\(\s*name\s*=\s*"([^"]+)"\s*,\s*kind\s*=\s*"framework"')
DECLARATION = re.compile(
    r"((?:#\[[^\]]*\]\s*)*)(?:pub(?:\([a-z]+\))?\s+)?(?:unsafe\s+|safe\s+)?(?:fn|static(?:\s+mut)?)\s+([A-Za-z_]\w*)"
)
LINK_NAME = re.compile(r'link_name\s*=\s*"([^"]+)"')
CLASS = re.compile(r"extern_class!\((.{0,3000})", re.DOTALL)
CLASS_STRUCT = re.compile(r"pub struct (\w+)")
CLASS_NAME = re.compile(r'#\[name\s*=\s*"([^"]+)"')


class Library:
    def __init__(self) -> None:
        self.symbols: set[str] = set()
        self.classes: set[str] = set()


def extern_blocks(text: str):
    """Yields the attributes and the body of each."""
    for opening in EXTERN_BLOCK.finditer(text):
        end, depth = opening.end(), 1
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield opening.group(1), text[opening.end() : end - 1]


def read_crate(libraries: dict[str, Library], name: str, folder: Path) -> None:
    texts = [re.sub(r"//[^\n]*", "", path.read_text(errors="replace")) for path in sorted(folder.glob("src/**/*.rs"))]
    named = {framework for text in texts for framework in FRAMEWORK.findall(text)}
    usual = LIBRARY_OF_CRATE.get(name) or (next(iter(named)) if len(named) == 1 else None)
    for framework in named:
        libraries[framework]  # linked, even if nothing of it is used
    for text in texts:
        for attributes, body in extern_blocks(text):
            library = next(iter(FRAMEWORK.findall(attributes)), usual)
            if library is None:
                continue
            for attributes_of_one, symbol in DECLARATION.findall(body):
                renamed = LINK_NAME.search(attributes_of_one)
                libraries[library].symbols.add("_" + (renamed.group(1) if renamed else symbol))
        if usual is not None:
            for declaration in CLASS.findall(text):
                struct, renamed = CLASS_STRUCT.search(declaration), CLASS_NAME.search(declaration)
                if struct is not None:
                    is_of_this = renamed is not None and renamed.start() < struct.start()
                    libraries[usual].classes.add(renamed.group(1) if is_of_this else struct.group(1))


def read_lib_system(library: Library, stub: Path) -> None:
    lists = re.findall(r"(?:symbols|weak-symbols|thread-local-symbols):\s*\[(.*?)\]", stub.read_text(), re.DOTALL)
    library.symbols |= {symbol.strip().strip("'\"") for names in lists for symbol in names.split(",") if symbol.strip()}


def stub_of(install_name: str, library: Library) -> str:
    def quoted(names: set[str]) -> str:
        return ", ".join(f"'{name}'" for name in sorted(names))

    lines = ["--- !tapi-tbd", "tbd-version: 4", f"targets: [ {TARGET} ]", f"install-name: '{install_name}'", "current-version: 1"]
    if library.symbols or library.classes:
        lines += ["exports:", f"  - targets: [ {TARGET} ]"]
    if library.symbols:
        lines.append(f"    symbols: [ {quoted(library.symbols)} ]")
    if library.classes:
        lines.append(f"    objc-classes: [ {quoted(library.classes)} ]")
    return "\n".join([*lines, "...", ""])


def write(sdk: Path, libraries: dict[str, Library]) -> None:
    for folder in ["usr/lib", "System/Library/Frameworks"]:
        (sdk / folder).mkdir(parents=True, exist_ok=True)
    for name, library in libraries.items():
        if name in LIBRARIES:
            path, install_name = sdk / f"usr/lib/lib{name}.tbd", LIBRARIES[name]
        else:
            version = "C" if name in ("AppKit", "Foundation") else "A"
            install_name = f"/System/Library/Frameworks/{name}.framework/Versions/{version}/{name}"
            path = sdk / f"System/Library/Frameworks/{name}.framework/{name}.tbd"
        path.parent.mkdir(exist_ok=True)
        path.write_text(stub_of(install_name, library))
    for name in NAMES_OF_LIB_SYSTEM:
        (sdk / f"usr/lib/lib{name}.tbd").symlink_to("libSystem.tbd")


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes a stub SDK for aarch64-apple-darwin.")
    parser.add_argument("--crates", type=Path, required=True, help="lines of: name, version, folder")
    parser.add_argument("--symbols", type=Path, required=True, help="lines of: library, symbol; what no crate declares")
    parser.add_argument("--lib-system", type=Path, required=True, help="zig's list of what libSystem has")
    parser.add_argument("sdk", type=Path)
    arguments = parser.parse_args()

    libraries: dict[str, Library] = defaultdict(Library)
    for name in [*FRAMEWORKS, *LIBRARIES]:
        libraries[name]
    for line in arguments.crates.read_text().splitlines():
        name, _version, folder = line.split(" ", 2)
        if name not in CRATES_OF_LIB_SYSTEM:
            read_crate(libraries, name, Path(folder))
    read_lib_system(libraries["System"], arguments.lib_system)
    for line in arguments.symbols.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            library, symbol = words
            libraries[library].symbols.add(symbol)
    libraries.pop("UIKit", None)  # of another system
    write(arguments.sdk, libraries)


if __name__ == "__main__":
    main()
