"""python -m bench.checkpoint DIR: the released model's depth and vocabularies at width 64, random weights.

As many layers, slices and streams as the released 7B, so as many graph nodes; so narrow that arithmetic hardly counts.
"""

import argparse
from pathlib import Path

import numpy as np
from golden import cases, lm_weights
from golden.files import write_json

from . import released

PRECISIONS = ("bf16", "q8")


def config() -> dict:
    return released.config(dim=64, heads=2, hidden_scale=1.5, dep_dim=64, dep_heads=2, dep_feedforward=96)


def write(folder: Path) -> None:
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    chosen = config()
    weights = lm_weights.random_torch_weights(chosen, np.random.default_rng(7))
    lm_weights.write_checkpoints(folder, chosen, weights, list(PRECISIONS))
    for precision in PRECISIONS:  # one folder per precision, so that config.json can name its file
        part = folder / precision
        part.mkdir(exist_ok=True)
        (folder / lm_weights.FILES[precision]).replace(part / lm_weights.FILES[precision])
        repository = cases.repository_keys(chosen, complete=False) | {"moshi_name": lm_weights.FILES[precision]}
        write_json(part / "config.json", chosen | repository)
    write_json(folder / "config.json", chosen)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.checkpoint", description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
