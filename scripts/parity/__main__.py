"""python -m parity --work DIR: all comparisons, one line each; exits with 1 if one fails."""

import argparse
import secrets
import sys
from pathlib import Path

import golden  # noqa: F401  (CPU, one thread, no gradients)

from . import fresh_cases, full_mimi, wide_lm
from .program import Program
from .report import Report

PARTS = ("fresh", "mimi", "wide")


def main() -> int:
    parser = argparse.ArgumentParser(prog="parity", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which parts (default all): {' '.join(PARTS)}")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints and truth, reused between runs (several GB)")
    parser.add_argument("--testdata", type=Path, default=Path("testdata"))
    parser.add_argument("--moshibar", type=Path, help="the program; without it only Kyutai's programs are compared with each other")
    parser.add_argument("--seed", type=int, help="of the fresh cases (default: a random one, printed)")
    parser.add_argument("--count", type=int, default=4, help="fresh cases (default 4)")
    parser.add_argument("--mimi-frames", type=int, default=140, help="frames through the full-size codec; its window is 125")
    parser.add_argument("--mimi-seed", type=int, default=1)
    parser.add_argument("--mlx-variants", nargs="*", default=["plain", "causal_gelu", "causal_gelu_ring"], help="of moshi_mlx's codec")
    parser.add_argument("--wide-layers", type=int, default=2)
    parser.add_argument("--wide-slices", type=int, default=8)
    parser.add_argument("--wide-frames", type=int, default=8)
    parser.add_argument("--wide-precisions", nargs="*", default=["q4", "q8"])
    parser.add_argument("--wide-seed", type=int, default=1)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {' '.join(sorted(unknown))}")

    parts = arguments.parts or PARTS
    report, program = Report(), Program(arguments.moshibar) if arguments.moshibar else None
    if "fresh" in parts:
        seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
        print(f"fresh cases: --seed {seed}")
        fresh_cases.check(arguments.work, report, program, count=arguments.count, seed=seed)
    if "mimi" in parts:
        full_mimi.check(arguments.work, report, program, frames=arguments.mimi_frames, seed=arguments.mimi_seed,
                        variants=arguments.mlx_variants)
    if "wide" in parts:
        wide_lm.check(arguments.work, report, program, testdata=arguments.testdata, layers=arguments.wide_layers,
                      slices=arguments.wide_slices, frames=arguments.wide_frames, precisions=arguments.wide_precisions,
                      seed=arguments.wide_seed)
    print(f"{report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
