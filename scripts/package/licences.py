"""Prints whose work is in the program, and on which terms: licences.py <the target> <title=file...>

Of every crate that `moshibar` is linked with for the target, the files in which its authors put
their terms; each text once. (What the app shows, ui/src/licences.txt, is of the app's crates and
pages, and made by cargo-about.)
"""

import json
import pathlib
import re
import subprocess
import sys

NAMES = re.compile(r"(un)?licen[cs]e|copying|copyright|notice", re.IGNORECASE)
LINE = "-" * 80


def crates(target):
    """What others wrote of what `moshibar` is linked with: no tests, no build scripts."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    [todo] = [[key] for key, package in packages.items() if package["name"] == "moshibar-cli"]
    seen = set(todo)
    while todo:
        for dependency in nodes[todo.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                todo.append(dependency["pkg"])
    others = (packages[key] for key in seen if packages[key]["source"])
    return sorted(others, key=lambda package: (package["name"], package["version"]))


def part(titles, text):
    print("\n".join(f"* {title}" for title in titles), f"\n{text.strip()}\n\n{LINE}\n", sep="\n")


def main():
    target, *files = sys.argv[1:]
    for file in files:
        what, path = file.split("=", 1)
        part([what], pathlib.Path(path).read_text())
    texts, bare = {}, []
    for package in crates(target):
        title = f"{package['name']} {package['version']} ({package['license'] or 'see its file'})"
        folder = pathlib.Path(package["manifest_path"]).parent
        found = [path for path in sorted(folder.iterdir()) if path.is_file() and NAMES.match(path.name) and path.suffix != ".rs"]
        for path in found:
            text = path.read_text(errors="replace").strip()
            texts.setdefault(" ".join(text.split()), (text, []))[1].append(title)
        if not found:
            if not package["license"]:
                sys.exit(f"licences: {title} says nowhere on which terms it may be used.")
            bare.append(f"{title}, {', '.join(package['authors']) or 'its authors'}, {package['repository'] or 'crates.io'}")
    for text, titles in texts.values():
        part(titles, text)
    if bare:
        part(bare, "These bring no file with the text of their licence; it stands above, with others' names.")


main()
