"""python -m bench.store_large PROGRAMS: the store with a file of 8 GiB, on a loopback hub that makes zeros up as it sends them.

Memory and speed of a pull; `Store::verify` beside other programs that hash, runs taking turns, the file read beforehand so
that it lies in the page cache; and how long work that is cancelled at some moment takes to end. Limits are those for people.
The file itself takes 8 GiB of disk, which are free again afterwards.
"""

import argparse
import json
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from .store_hub import Hub

GIB = 1 << 30
SIZE_BYTES = 8 * GIB
NEEDED_BYTES = SIZE_BYTES + 3 * GIB  # the store leaves 2 GiB free
ROUNDS = 3
CANCELS = 50


def report(*command: str | Path) -> dict:
    """Runs a program that prints one line of JSON."""
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def seconds(*command: str | Path) -> tuple[float, str]:
    begun = time.perf_counter()
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return time.perf_counter() - begun, output


def hashers() -> dict[str, list[str]]:
    """Programs that hash a file, by name; what each prints holds the digits."""
    known = {"sha256sum": ["sha256sum"], "openssl dgst": ["openssl", "dgst", "-sha256"]}
    return {name: command for name, command in known.items() if shutil.which(command[0])}


def sha256_of_zeros(folder: Path) -> str:
    """As another program says: of a file without any blocks on the disk."""
    sparse = folder / "zeros"
    with sparse.open("wb") as file:
        file.truncate(SIZE_BYTES)
    command = next(iter(hashers().values()), ["shasum", "-a", "256"])
    _, output = seconds(*command, sparse)
    sparse.unlink()
    return next(word for word in output.split() if len(word) == 64)


def row(what: str, bar: str, measured: str) -> None:
    print(f"| {what} | {bar} | {measured} |", flush=True)


def pull(client: Path, hub: Hub, library: Path) -> Path:
    run = report(client, "pull", hub.endpoint, library, "--report-memory")
    if run["outcome"] != "done":
        raise SystemExit(f"the pull failed: {run}")
    row("a pull from the loopback interface, hashing and sync included", "",
        f"{run['seconds']:.1f} s, {SIZE_BYTES / run['seconds'] / 1e6:,.0f} MB/s")
    row("bytes on the wire, of the file's", "1.00", f"{hub.counters()['body_bytes'] / SIZE_BYTES:.2f}")
    if "peak_bytes_at_last" in run:
        grown = run["peak_bytes_at_last"] - run["peak_bytes_at_first"]
        row("resident memory: growth from the first moment to the peak", "≤ 64 MiB", f"{grown / (1 << 20):.1f} MiB")
    return Path(run["path"]).resolve()


def verify(client: Path, hub: Hub, library: Path, blob: Path, sha256: str) -> float:
    """Returns how long one takes."""
    with blob.open("rb") as file:
        while file.read(1 << 24):
            pass
    ours, theirs = [], {name: [] for name in hashers()}
    for _ in range(ROUNDS):
        run = report(client, "verify", hub.endpoint, library)
        if any(file["verdict"] != "right" for file in run["files"]):
            raise SystemExit(f"the file is not right: {run}")
        ours.append(run["seconds"])
        for name, command in hashers().items():
            took, output = seconds(*command, blob)
            if sha256 not in output:
                raise SystemExit(f"{name} says {output}")
            theirs[name].append(took)
    own = median(ours)
    row(f"`Store::verify`, median of {ROUNDS}", "", f"{own:.1f} s, {SIZE_BYTES / own / 1e6:,.0f} MB/s")
    for name, runs in theirs.items():
        other = median(runs)
        bar = "≥ 0.8" if name == "sha256sum" else ""
        row(f"its speed as a multiple of `{name}`'s ({other:.1f} s)", bar, f"{other / own:.2f}")
    return own


def cancel(client: Path, hub: Hub, library: Path, what: str, longest_s: float) -> None:
    dice = random.Random(what)
    delays = [str(dice.randrange(int(longest_s * 1000))) for _ in range(CANCELS)]
    run = report(client, "cancel", hub.endpoint, library, what, ",".join(delays))
    latencies = run["latencies_ms"]
    row(f"`{what}` cancelled at {len(latencies)} moments: `finish` returns after, longest (median)", "≤ 250 ms",
        f"{max(latencies):.0f} ms ({median(latencies):.1f} ms)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.store_large", description=__doc__)
    parser.add_argument("programs", type=Path, help="the folder with store_client and test-hub")
    programs = parser.parse_args().programs.absolute()
    client = programs / "store_client"
    with tempfile.TemporaryDirectory(prefix="moshibar-bench-") as scratch:
        free_bytes = shutil.disk_usage(scratch).free
        if free_bytes < NEEDED_BYTES:
            raise SystemExit(f"{scratch} has {free_bytes / GIB:.0f} GiB free and needs {NEEDED_BYTES / GIB:.0f}: set TMPDIR")
        sha256 = sha256_of_zeros(Path(scratch))
        hub = Hub(programs / "test-hub", {"kind": "zeros", "size": SIZE_BYTES, "sha256": sha256})
        print("| 8 GiB | bar | measured |\n|---|---:|---:|")
        library = Path(scratch) / "library"
        blob = pull(client, hub, library)
        took = verify(client, hub, library, blob, sha256)
        cancel(client, hub, library, "verify", took)
        shutil.rmtree(library)
        # Each goes on where the one before was cancelled, so that all of the file is passed through more than once.
        cancel(client, hub, library, "pull", 1.5)
        hub.stop()


main()
