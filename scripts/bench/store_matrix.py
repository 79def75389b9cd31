"""python -m bench.store_matrix PROGRAMS: the same servers for three clients, as a table in Markdown.

Every case starts with empty folders. A client that has not the right file afterwards is started once more, by when the hub
is as it should be: what it gives then comes from what it kept. Bytes are what the hub sent, over both starts, as multiples of
the file. The clients run beside one another, each with a hub of its own.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from .store_cases import CASES, MIB, SIZE_BYTES, Case, cdn
from .store_clients import NAMES, Client, Run
from .store_hub import WEIGHTS, Hub

LIMIT_S = 90.0
SLOWLY_S = 10.0  # what takes longer is told with its seconds


class Bench:
    """One client on its way through the cases, with its hub."""

    def __init__(self, name: str, programs: Path, weights: Path, folder: Path) -> None:
        self.name, self.programs, self.folder = name, programs, folder
        self.sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self.hub = Hub(programs / "test-hub", {"kind": "file", "from": str(weights)})
        self.serial = 0

    def client(self) -> Client:
        self.serial += 1
        folder = self.folder / f"{self.name}-{self.serial}"
        return Client(self.name, self.programs, self.hub.endpoint, self.sha256, folder)

    def rows(self) -> dict[str, str]:
        cells = {case.name: self.case(case) for case in CASES}
        cells["killed (`kill -9`) at half of the file, started again"] = self.killed()
        cells["two processes at once, at 1.5 MiB/s, so 16 s"] = self.two_at_once()
        if can_mount():
            cells["a full disk; started again when there is space"] = self.full_disk()
        self.hub.stop()
        return cells

    def case(self, case: Case) -> str:
        client = self.client()
        self.hub.behave(case.rules, **case.manners)
        first = client.run(LIMIT_S)
        wire = Wire.of(self.hub)
        self.note(case.name, first)
        return self.finish(client, first, wire)

    def finish(self, client: Client, first: Run, wire: "Wire") -> str:
        """Starts it again with a good hub, unless it has the right file, and says what happened in all."""
        if first.outcome == "right":
            return cell([first], wire)
        self.hub.behave()
        second = client.run(LIMIT_S)
        self.note("  started again", second)
        return cell([first, second], wire + Wire.of(self.hub))

    def killed(self) -> str:
        client = self.client()
        self.hub.behave([cdn({"throttle": {"bytes_per_second": 6 * MIB}})])
        begun = time.monotonic()
        process = client.start()
        while self.hub.counters()["body_bytes"] < SIZE_BYTES / 2 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        first = client.end(process, begun, LIMIT_S)
        return self.finish(client, first, Wire.of(self.hub))

    def two_at_once(self) -> str:
        client = self.client()
        self.hub.behave([cdn({"throttle": {"bytes_per_second": MIB * 3 // 2}})])
        begun = time.monotonic()
        processes = [client.start(), client.start()]
        with ThreadPoolExecutor() as both:
            runs = list(both.map(lambda process: client.end(process, begun, LIMIT_S), processes))
        for run in runs:
            self.note("two at once", run)
        runs.sort(key=lambda run: run.outcome != "right")
        return cell(runs, Wire.of(self.hub), between=" and ")

    def full_disk(self) -> str:
        client = self.client()
        self.hub.behave()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", client.home], check=True)
        try:
            first = client.run(LIMIT_S)
            self.note("full disk", first)
            wire = Wire.of(self.hub)
            subprocess.run(["mount", "-o", "remount,size=64m", client.home], check=True)
            return self.finish(client, first, wire)
        finally:
            subprocess.run(["umount", client.home], check=True)

    def note(self, case: str, run: Run) -> None:
        print(f"{self.name}: {case}: {run.outcome}, {run.seconds:.1f} s, {run.says[:160]!r} {run.outside}",
              file=sys.stderr, flush=True)


class Wire:
    """What the hub sent."""

    def __init__(self, body_bytes: int, resumed: bool) -> None:
        self.body_bytes, self.resumed = body_bytes, resumed

    @classmethod
    def of(cls, hub: Hub) -> "Wire":
        counters = hub.counters()
        ranges = [request["range"] for request in counters["log"] if request["file"] == WEIGHTS and request["range"]]
        return cls(counters["body_bytes"], any(not asked.startswith("bytes=0-") for asked in ranges))

    def __add__(self, other: "Wire") -> "Wire":
        return Wire(self.body_bytes + other.body_bytes, self.resumed or other.resumed)


def cell(runs: list[Run], wire: Wire, between: str = ", then ") -> str:
    said = between.join(word(run) for run in runs)
    outside = ", **a file outside its folder**" if any(run.outside for run in runs) else ""
    resumed = " r" if wire.resumed else ""
    return f"{said}{outside}; {wire.body_bytes / SIZE_BYTES:.2f}{resumed}"


def word(run: Run) -> str:
    seconds = f" ({run.seconds:.0f} s)" if SLOWLY_S < run.seconds < LIMIT_S else ""
    return {"wrong": "**wrong bytes**", "hangs": f"hangs (> {LIMIT_S:.0f} s)"}.get(run.outcome, run.outcome) + seconds


def can_mount() -> bool:
    """Whether a full disk can be made: it takes a volume of its own."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        print("no full disk: that takes root on Linux, for a volume of 12 MiB", file=sys.stderr)
        return False
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], stderr=subprocess.DEVNULL)
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return mounted.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.store_matrix", description=__doc__)
    parser.add_argument("programs", type=Path, help="the folder with store_client, plain_hf_hub and test-hub")
    programs = parser.parse_args().programs.absolute()
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "weights"
        weights.write_bytes(random.Random(1).randbytes(SIZE_BYTES))
        benches = [Bench(name, programs, weights, Path(scratch)) for name in NAMES]
        with ThreadPoolExecutor() as threads:
            columns = list(threads.map(Bench.rows, benches))
    print(f"huggingface_hub {version('huggingface_hub')}, a file of {SIZE_BYTES:,} bytes, limit {LIMIT_S:.0f} s\n")
    print("| server | " + " | ".join(NAMES) + " |")
    print("|---" * (len(NAMES) + 1) + "|")
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |")


main()
