"""`python -m nano.evaluation`, run in training/: what `make eval-nano` does."""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from nano.evaluation.plan import plan
from nano.evaluation.report import Report
from nano.evaluation.tasks import Setup

REPOSITORY = Path(__file__).resolve().parents[3]
PARTS = ("turns", "quiet", "barge-in", "echo", "codec", "hour")


def main() -> None:
    """Runs the evaluation and prints its tables."""
    parser = argparse.ArgumentParser(prog="eval-nano", description="How well nano understands and speaks, on voices that it was not trained on")
    parser.add_argument("--quick", action="store_true", help="a small part of everything, in minutes")
    parser.add_argument("--hour", action="store_true", help="also an hour's talk without a break")
    parser.add_argument("--json", action="store_true", help="print JSON with every record instead of tables")
    parser.add_argument("--quality", action="append", metavar="Q", help="q8, bf16, q4, f32 (PyTorch); may be repeated [default: q8 bf16 q4]")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--model", default="nano", help="a model's name or folder [default: nano]")
    parser.add_argument("--moshibar", type=Path, default=REPOSITORY / "target/release/moshibar", help="the program")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="sessions at a time [default: one per core]")
    options = parser.parse_args()
    if not options.moshibar.exists():
        raise SystemExit(f"there is no {options.moshibar}: build it with `cargo build --release`")

    tasks = plan(options.quality or ["q8", "bf16", "q4"], options.quick, options.hour)
    tasks = [task for task in tasks if not options.only or task.part in options.only]
    model = str(Path(options.model).resolve()) if "/" in options.model else options.model
    setup, began = Setup(options.moshibar.resolve(), model), time.monotonic()
    results: list[list[dict]] = [[] for _ in tasks]
    total = round(sum(task.seconds() for task in tasks))
    with ProcessPoolExecutor(options.processes) as pool, tqdm(total=total, unit="s", desc="seconds of talk") as bar:
        running = {pool.submit(task.run, setup): number for number, task in enumerate(tasks)}
        try:
            for done in as_completed(running):
                number = running[done]
                results[number] = done.result()
                bar.update(round(tasks[number].seconds()))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    records: dict[str, list[dict]] = {}
    for task, found in zip(tasks, results):
        records.setdefault(task.part, []).extend(found)
    report = Report(records)
    if options.json:
        json.dump(report.figures(), sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print(report.markdown())
    print(f"{total / 60:.0f} minutes of talk in {(time.monotonic() - began) / 60:.1f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
