"""The whole loop on a complete folder: PyTorch's encode, step and decode, frame by frame, with greedy choices."""

from pathlib import Path

import numpy as np

from . import lm_truth, lm_weights, mimi
from .files import read_json, write_golden
from .lm_case import MIN_MARGIN as MIN_LOGIT_MARGIN
from .lm_case import Unsuitable
from .mimi_case import MIN_MARGIN as MIN_CODE_MARGIN

EVERY = 16  # one decoded sample in so many is kept


def write_loop(folder: Path, pcm: np.ndarray, precision: str) -> dict:
    config = read_json(folder / "config.json")
    streams = max(config["dep_q"], config["n_q"] - config["dep_q"])
    codec = mimi.load_torch(folder / config["mimi_name"], read_json(folder / config["mimi_config_name"]), streams)
    codes = mimi.torch_encode(codec, pcm)
    greedy = lm_truth.torch_greedy(lm_weights.load_torch(folder, config, precision), codes[: config["n_q"] - config["dep_q"]])
    margin = float(greedy.margins.min())
    code_margin = mimi.code_margin(codec, mimi.torch_latent(codec, pcm), streams)
    if margin < MIN_LOGIT_MARGIN or code_margin < MIN_CODE_MARGIN:
        raise Unsuitable(f"loop margins {margin:.2e} and {code_margin:.2e}")
    spoken = greedy.audio[:, greedy.audio[0] >= 0]
    wave = mimi.torch_decode(codec, spoken)
    write_golden(folder, {"codes": codes, "text": greedy.text, "audio": greedy.audio,
                          "decoded_every_16": wave[::EVERY]}, "loop.safetensors")
    return {"min_margin": margin, "min_code_margin": code_margin, "decoded_rms": float(np.sqrt(np.mean(wave**2)))}
