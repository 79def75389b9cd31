#!/usr/bin/env python3
"""Checks that what documents and comments name exists: files, folders, links, tests, make's verbs.

In every Markdown file: `paths` in backticks, [links](to/files), `make verbs`, and what blocks of
shell code name. In the comments of the code: names of source files and verbs, in backticks. In both:
what `cargo test` is to run (`--test NAME`).

A path may leave out what comes before it (`tests/talks.rs`) and the folders `crates` and `src`
(`audio/wav/reader.rs`). It may have `*` in it, and end in `::function`. A name with a slash whose
first part no file or folder here has is not taken for a path: it is a model's, or a folder of the
user's.
"""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
SOURCE = (".rs", ".py", ".sh", ".ts", ".svelte", ".md", ".yml", ".hbs")
COMMENTS = {
    "": r"#(.*)",
    ".py": r"(?:#|\"\"\")(.*)",
    ".rs": r"//[/!]?(.*)",
    ".sh": r"(?:^|\s)#(.*)",
    ".svelte": r"(?://|\*|<!--)(.*)",
    ".toml": r"#(.*)",
    ".ts": r"(?://|\*)(.*)",
    ".yml": r"#(.*)",
}
LEFT_OUT = {"crates", "src"}
# Files of Kyutai's packages and of cpal, which ours follow, and files that Moshibar writes.
NOT_OURS = (
    "moshi/*.py",
    "moshi_mlx/*.py",
    "core_vq.py",
    "lm.py",
    "host/pipewire/device.rs",
    "src/host/coreaudio/macos/device.rs",
    "bindings.rs",
    "transcript.md",
)


def repository():
    """Every file that Git knows or would add, and every folder that has one."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    files = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()]
    return files, {str(folder) for name in files for folder in PurePosixPath(name).parents} - {"."}


FILES, FOLDERS = repository()
VERBS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def short(path):
    return [part for part in path.split("/") if part not in LEFT_OUT]


TOP = {name.split("/")[0] for name in FILES}
ENDS = {}  # the last part of every path, and the same without `.rs`: what comes before it
FIRST_PARTS = set()
for known in [*FILES, *FOLDERS]:
    *before, last = short(known) or [known]
    for name in {last, re.sub(r"\.rs$", "", last)}:
        ENDS.setdefault(name, []).append(before)
    FIRST_PARTS |= {*known.split("/"), re.sub(r"\.rs$", "", last)}


def exists(path):
    """Whether a file or folder is called so, seen from the top or from any folder."""
    *before, last = short(path) or [path]
    for name in fnmatch.filter(ENDS, last):
        for found in ENDS[name]:
            near = found[len(found) - len(before) :]
            if len(near) == len(before) and all(map(fnmatch.fnmatchcase, near, before)):
                return True
    return False


def is_path(text, only_sources):
    if not re.fullmatch(r"[\w.*+][\w.*@+-]*(/[\w.*@+-]+)*/?", text):
        return False
    if any(fnmatch.fnmatchcase(text, pattern) for pattern in NOT_OURS):
        return False
    if text.endswith(SOURCE):
        return not text.startswith((".", "*"))
    first = text.split("/")[0]
    return not only_sources and "/" in text and first in FIRST_PARTS


def ignored(path):
    """Whether it is made here and not committed, like `ui/node_modules`."""
    folder = path.rstrip("/") + "/"
    command = ["git", "check-ignore", path, folder]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 0


def wrong_tests(text):
    """Of commands for Cargo: the test programs that no crate has."""
    for name in re.findall(r"(?<!\S)--test[ =]([a-z][\w-]*)", text):
        if not exists(f"tests/{name}.rs") and not exists(f"tests/{name}/main.rs"):
            yield f"--test {name}: no crate has such a test"


def wrong_names(text, only_sources=False):
    """What is wrong with the names in backticks."""
    yield from wrong_tests(text)
    for quoted in re.findall(r"`([^`\n]+)`", text):
        verb = re.fullmatch(r"make ([a-z][a-z-]*)( .*)?", quoted)
        if verb and verb[1] not in VERBS:
            yield f"`{quoted}`: the Makefile has no such verb"
        path = re.sub(r"(::|\().*$", "", quoted)
        if is_path(path, only_sources) and not exists(path.rstrip("/")) and not ignored(path):
            yield f"`{quoted}`: there is no such file or folder"


def wrong_links(file, text):
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target = link.split("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            if not (ROOT / file).parent.joinpath(target).exists():
                yield f"({link}): the link leads nowhere"


def wrong_commands(line):
    """What is wrong in a line of shell code."""
    command = line.split("#")[0]
    yield from wrong_tests(command)
    for verb in re.findall(r"(?:^|&&|;)\s*(?:[A-Z_]+=\S+ )*make ([a-z][a-z-]*)", command):
        if verb not in VERBS:
            yield f"make {verb}: the Makefile has no such verb"
    for path in re.findall(r"(?:^|\s)([\w-]+/[\w./-]*\w)", command):
        if path.split("/")[0] in TOP and not ignored(path) and not (ROOT / path).exists():
            yield f"{path}: there is no such file or folder"


def faults_of_document(file):
    fence = None
    for number, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), 1):
        mark = re.match(r"\s*```(\w*)", line)
        if mark:
            fence = mark[1] if fence is None else None
        elif fence is None:
            yield from ((number, fault) for fault in [*wrong_names(line), *wrong_links(file, line)])
        elif fence in ("sh", "bash"):
            yield from ((number, fault) for fault in wrong_commands(line))


def faults_of_code(file):
    comment = re.compile(COMMENTS[PurePosixPath(file).suffix])
    for number, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), 1):
        found = comment.search(line)
        if found:
            yield from ((number, fault) for fault in wrong_names(found[1], only_sources=True))


def main():
    faults, documents = 0, 0
    for file in FILES:
        suffix = PurePosixPath(file).suffix
        if suffix == ".md":
            documents += 1
            found = faults_of_document(file)
        elif suffix in COMMENTS and (suffix or file in ("Makefile", ".ci/run")):
            found = faults_of_code(file)
        else:
            continue
        for number, fault in found:
            faults += 1
            print(f"{file}:{number}: {fault}", file=sys.stderr)
    if faults or not documents:
        sys.exit(f"check-docs: {faults} faults in {documents} documents and the comments.")
    print(f"check-docs: what {documents} documents and the comments name is there.")


main()
