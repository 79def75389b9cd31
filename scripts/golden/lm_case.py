"""One LM case: a repository folder plus golden.safetensors, refused unless its greedy choices are clear and varied."""

import sys
from pathlib import Path

import numpy as np

from . import lm_truth, lm_weights
from .files import write_golden, write_json

MIN_MARGIN = 2e-3  # logits are of the order of 10, float32 noise of the order of 1e-5 to 1e-4
MAX_NOISE = 5e-3  # more than this between PyTorch and moshi_mlx is not rounding


class Unsuitable(Exception):
    """The random weights make an ambiguous or a monotonous case; another seed may not."""


def first_suitable(write, seed: int, attempts: int = 20):
    """Calls write(seed), write(seed + 1), ... until one is suitable."""
    for candidate in range(seed, seed + attempts):
        try:
            return write(candidate)
        except Unsuitable as reason:
            print(f"  seed {candidate} refused: {reason}", file=sys.stderr)
    raise SystemExit(f"no suitable seed among {attempts} from {seed}")


def _repetition(tokens: np.ndarray) -> float:
    """Share of the most frequent token, the worst over the streams."""
    rows = np.atleast_2d(tokens)
    return float(max(np.bincount(row[row >= 0]).max() / (row >= 0).sum() for row in rows))


def write_lm_case(folder: Path, config: dict, extra: dict, *, seed: int, frames: int, forced_frames: int,
                  precisions: list[str]) -> dict:
    """Writes model files, config.json and golden.safetensors; returns the figures measured on the way."""
    # Later positions differ: PyTorch attends to `context` positions, moshi_mlx 0.3.0 to one more.
    assert forced_frames <= config["context"]
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    weights = lm_weights.random_torch_weights(config, rng)
    user_streams = config["n_q"] - config["dep_q"]
    user_codes = rng.integers(0, config["card"], (user_streams, frames)).astype(np.uint32)
    lm_weights.write_checkpoints(folder, config, weights, precisions)
    write_json(folder / "config.json", config | extra)

    golden: dict[str, np.ndarray] = {"user_codes": user_codes}
    figures: dict = {"seed": seed, "frames": frames}
    for precision in precisions:
        model = lm_weights.load_torch(folder, config, precision)
        greedy = lm_truth.torch_greedy(model, user_codes)
        margin, repetition = greedy.recording.smallest_margin(), _repetition(np.vstack([greedy.text, greedy.audio]))
        if repetition > 0.3:
            raise Unsuitable(f"{precision}: one token makes up {repetition:.0%} of a stream")
        if "forced_inputs" not in golden:
            golden["forced_inputs"], golden["forced_depformer"] = greedy.forced(forced_frames)
        forced = golden["forced_inputs"], golden["forced_depformer"]
        truth = lm_truth.torch_forced(model, *forced)
        logits = lm_truth.mlx_forced(lm_weights.load_mlx_f32(folder, config, precision), *forced)
        difference = max(float(np.abs(a - b).max()) for a, b in zip(truth, logits))
        if difference > MAX_NOISE:
            raise AssertionError(f"{precision}: moshi_mlx and PyTorch differ by {difference:.2e} on the same tokens")
        if margin < max(MIN_MARGIN, 8 * difference):
            raise Unsuitable(f"{precision}: smallest margin {margin:.2e}, noise {difference:.2e}")
        golden |= {f"{precision}.text": greedy.text, f"{precision}.audio": greedy.audio,
                   f"{precision}.text_logits": logits[0], f"{precision}.audio_logits": logits[1]}
        figures[precision] = {"min_margin": margin, "most_repeated": round(repetition, 3),
                              "moshi_mlx_vs_torch_logits": difference,
                              "logit_rms": float(np.sqrt(np.mean(np.square(truth[0]))))}
    write_golden(folder, golden)
    return figures
