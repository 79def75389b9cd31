"""python -m bench.first_frame DIR MOSHIBAR: start to first frame of both programs on one full-size q4 file, side by side.

Each run is a process of its own, timed from its start to its end, its peak resident memory as the system counted it. The
file is read once beforehand, so that it lies in the page cache where there is room. One step of the language model on
the CPU, greedy. Arithmetic is all of the frame's time here and says nothing about a GPU.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from golden.files import write_golden

from .full_size import PRECISION, write


def measured(command: list[str]) -> dict:
    """Runs a program that prints one JSON object."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"{command[0]} failed")
    return {"whole_s": round(time.perf_counter() - begin, 3), "peak_resident_bytes": usage.ru_maxrss * 1024,
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 3)} | {"report": json.loads(output)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.first_frame", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("moshibar", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    path = write(arguments.folder)
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    print(f"{path.name}: {path.stat().st_size} bytes, random contents")
    print(f"{'':12}{'start to end s':>16}{'of which load s':>17}{'CPU s':>9}{'peak resident GB':>18}")
    with tempfile.TemporaryDirectory() as scratch:
        write_golden(Path(scratch), {"codes": np.zeros((8, 1), dtype=np.uint32)}, "codes.safetensors")
        theirs = [sys.executable, "-m", "bench.moshi_mlx_first_frame", str(path)]
        ours = [str(arguments.moshibar), "generate", f"{scratch}/codes.safetensors", f"{scratch}/tokens.safetensors",
                "--model", str(arguments.folder), "--quality", PRECISION, "--device", "cpu", "--greedy", "--json"]
        for _ in range(arguments.rounds):
            for name, command in (("moshi_mlx", theirs), ("moshibar", ours)):
                run = measured(command)
                print(f"{name:12}{run['whole_s']:16.2f}{run['report']['load_ms'] / 1e3:17.2f}{run['cpu_s']:9.2f}"
                      f"{run['peak_resident_bytes'] / 1e9:18.2f}", flush=True)


main()
