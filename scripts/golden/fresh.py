"""python -m golden.fresh --out DIR --count N: complete repositories of random shape, with the truth about each.

Sizes, delays, stream counts, depformer schedule, low-rank embeddings, RoPE base and context all vary. Not for committing.
"""

import argparse
import secrets
import shutil
from pathlib import Path

import numpy as np

from . import cases, lm_case, lm_weights, mimi, mimi_case, spm
from .files import write_json


def random_lm(rng: np.random.Generator, card: int) -> dict:
    """A shape whose every inner size is a multiple of 64, as q8's groups need."""

    def pick(*choices):
        return choices[int(rng.integers(len(choices)))]

    # One of the two has all codebooks of the codec's truth, so that the program decodes all of them.
    dep_q, user = pick((mimi_case.CODEBOOKS, int(rng.integers(1, 9))), (int(rng.integers(1, 9)), mimi_case.CODEBOOKS))
    # At 4 * dim PyTorch has another gated size, which is a multiple of 64 only for multiples of 512.
    dim, hidden_scale = pick((64, 1.5), (64, 3), (64, 4.5), (128, 1.5), (128, 2.25), (192, 2), (512, 4))
    dep_dim, dep_feedforward = pick((64, 96), (64, 192), (128, 192), (128, 288))
    schedule = None
    if dep_q > 1 and rng.random() < 0.5:
        schedule = [0]
        for _ in range(dep_q - 1):
            schedule.append(schedule[-1] + int(rng.integers(0, 2)))
    return lm_weights.lm_config(
        dim=dim, heads=pick(1, 2, 4), layers=int(rng.integers(1, 4)), hidden_scale=hidden_scale,
        context=int(rng.integers(5, 90)), text_card=int(rng.integers(32, 90)), card=card, n_q=dep_q + user, dep_q=dep_q,
        delays=[0] + rng.integers(0, pick(1, 2, 4), dep_q + user).tolist(), dep_dim=dep_dim, dep_heads=pick(1, 2, 4),
        dep_layers=int(rng.integers(1, 4)), dep_feedforward=dep_feedforward, max_period=pick(100, 10000, 100000),
        schedule=schedule, low_rank=pick(None, None, 64),
    )


def random_mimi(rng: np.random.Generator) -> dict:
    heads = int(rng.integers(1, 5))
    return mimi.mimi_config(
        dim=16 * heads, filters=int(rng.integers(2, 7)), layers=int(rng.integers(1, 4)), heads=heads,
        feedforward=16 * int(rng.integers(1, 6)), context=int(rng.integers(3, 40)), codebooks=int(rng.integers(8, 17)),
        bins=int(rng.integers(16, 65)), code_dim=4 * int(rng.integers(2, 7)),
    )


def write_case(folder: Path, seed: int, frames: int = 120) -> dict:
    """Both goldens in one folder: golden.safetensors (LM) and golden_mimi.safetensors."""

    def write(candidate: int) -> dict:
        rng = np.random.default_rng(candidate)
        codec = random_mimi(rng)
        config = random_lm(rng, card=codec["quantizer"]["bins"])
        codec_figures = mimi_case.write_mimi_case(folder, codec, seed=candidate, frames=30)
        (folder / "golden.safetensors").replace(folder / "golden_mimi.safetensors")
        lm_figures = lm_case.write_lm_case(folder, config, cases.repository_keys(config, complete=True), seed=candidate,
                                           frames=frames, forced_frames=min(20, config["context"]),
                                           precisions=["bf16", "q8", "q4"])
        spm.write_tokenizer(folder, cases.TOKENIZER_NAME, config["text_card"])
        return {"lm": lm_figures, "mimi": codec_figures}

    shutil.rmtree(folder, ignore_errors=True)
    return lm_case.first_suitable(write, seed, attempts=60)


def main() -> None:
    parser = argparse.ArgumentParser(prog="golden.fresh", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--seed", type=int, default=None, help="default: a random one, printed")
    arguments = parser.parse_args()
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    print(f"seed {seed}")
    for number in range(arguments.count):
        folder = arguments.out / f"fresh-{number}"
        figures = write_case(folder, 1000 * seed + 100 * number)
        write_json(folder / "figures.json", figures)
        print(f"{folder.name}: seed {figures['lm']['seed']}")


if __name__ == "__main__":
    main()
