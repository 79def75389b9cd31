"""python -m bench.table DIR: the runs in DIR (moshi_mlx-*.json and moshibar-*.json) side by side, medians over the runs."""

import argparse
import json
from pathlib import Path
from statistics import median


def runs(folder: Path, engine: str) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{engine}-*.json"))]


def moshi_mlx_row(run: dict) -> dict:
    fused = run["primitives_sample_fused"]
    return {
        "frame, ms": run["frame"]["p50_ms"], "frame p95, ms": run["frame"]["p95_ms"],
        "build of the graph, ms": run["build"]["p50_ms"], "synchronisations": run["waits"],
        "operations": run["primitives_step"]["total"],
        "  that compute": run["primitives_step"]["total"] - run["primitives_step"]["views"],
        "  that compute, nodes fused as on Metal": fused["total"] - fused["views"],
    }


def moshibar_row(run: dict) -> dict:
    metrics, operations = run["metrics"], run["operations_per_frame"]
    stages = {stage["stage"]: stage["p50_ms"] for stage in metrics["stages"]}
    return {
        "frame, ms": metrics["frame"]["p50_ms"], "frame p95, ms": metrics["frame"]["p95_ms"],
        "build of the graph, ms": stages["build"], "synchronisations": run["synchronisations_per_frame"],
        "operations": operations["primitives"], "  that compute": operations["computing"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.table", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    first = runs(folder, "moshi_mlx")[0]
    theirs = [moshi_mlx_row(run) for run in runs(folder, "moshi_mlx")]
    ours = [moshibar_row(run) for run in runs(folder, "moshibar")]
    print(f"{len(theirs)} runs each, {first['frames']} frames a run, {first['precision']}, {first['dtype']}, "
          f"{'greedy' if first['greedy'] else 'sampled'}; per frame, MLX on the CPU, width 64")
    print(f"{'':42}{'moshi_mlx':>12}{'moshibar':>12}{'ours/theirs':>13}")
    for name in theirs[0]:
        left = median(row[name] for row in theirs)
        right = median(row[name] for row in ours) if ours and name in ours[0] else None
        cells = f"{right:12.2f}{right / left:13.2f}" if right is not None else f"{'-':>12}{'-':>13}"
        print(f"{name:42}{left:12.2f}{cells}")


main()
