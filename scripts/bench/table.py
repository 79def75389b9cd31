"""python -m bench.table DIR: the runs in DIR (moshi_mlx-*.json and moshibar-*.json) side by side, medians over the runs."""

import argparse
import json
from pathlib import Path
from statistics import median


def numbers(folder: Path, engine: str) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{engine}-*.json"))]


def report(value):
    """The object of `moshibar bench --json` that holds `frame` and `stages`, wherever it is."""
    if isinstance(value, dict):
        if "frame" in value and "stages" in value:
            return value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            found = report(part)
            if found is not None:
                return found
    return None


def moshibar_row(run: dict) -> dict:
    found = report(run)
    if found is None:
        raise SystemExit("moshibar bench --json: no object with `frame` and `stages`")
    stages = {stage["stage"]: stage["p50_ms"] for stage in found["stages"]}
    return {"frame": found["frame"]["p50_ms"], "frame p95": found["frame"]["p95_ms"],
            "host": stages.get("build"), "waiting": stages.get("evaluate")}


def moshi_mlx_row(run: dict) -> dict:
    return {"frame": run["frame"]["p50_ms"], "frame p95": run["frame"]["p95_ms"], "host": run["host"]["p50_ms"],
            "waiting": run["waiting"]["p50_ms"]}


def middle(rows: list[dict], name: str) -> float | None:
    values = [row[name] for row in rows if row.get(name) is not None]
    return median(values) if values else None


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.table", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    theirs = [moshi_mlx_row(run) for run in numbers(folder, "moshi_mlx")]
    ours = [moshibar_row(run) for run in numbers(folder, "moshibar")]
    first = numbers(folder, "moshi_mlx")[0]
    print(f"{len(theirs)} runs each, {first['frames']} frames a run, {first['precision']}, {first['dtype']}, "
          f"{'greedy' if first['greedy'] else 'sampled'}; ms per frame, MLX on the CPU, width 64")
    print(f"{'':14}{'moshi_mlx':>12}{'moshibar':>12}{'ratio':>9}")
    for name in ("frame", "frame p95", "host", "waiting"):
        left, right = middle(theirs, name), middle(ours, name)
        if left is not None and right:
            print(f"{name:14}{left:12.2f}{right:12.2f}{left / right:9.2f}")
        elif left is not None:
            print(f"{name:14}{left:12.2f}{'-':>12}{'-':>9}")
    print(f"moshi_mlx alone: graph of Lm._sample built in {first['build']['p50_ms']} ms, "
          f"{first['build_fused']['p50_ms']} ms with Metal's fused nodes; waits per frame {first['waits']:.0f}; "
          f"primitives per step {first['primitives_step']['total']}, of which views {first['primitives_step']['views']}")
    extra = {key: value for key, value in numbers(folder, "moshibar")[0].items() if isinstance(value, (int, float, str))} if ours else {}
    if extra:
        print("moshibar says:", json.dumps(extra))


main()
