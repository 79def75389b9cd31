"""One codec case: mimi.safetensors, mimi_config.json and golden.safetensors, refused unless every code is a clear choice."""

from pathlib import Path

import numpy as np

from . import mimi
from .files import write_golden, write_json
from .lm_case import Unsuitable

CODEBOOKS = 8
MIN_MARGIN = 1e-3  # of squared distances of the order of 10


def write_mimi_case(folder: Path, config: dict, *, seed: int, frames: int) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    model = mimi.new_torch(config, CODEBOOKS)
    mimi.randomise(model, rng, training_frames=240)
    path = folder / "mimi.safetensors"
    mimi.write_mimi(path, model)
    write_json(folder / "mimi_config.json", config)

    model = mimi.load_torch(path, config, CODEBOOKS)
    pcm = mimi.signal(rng, frames)
    latent, codes = mimi.torch_latent(model, pcm), mimi.torch_encode(model, pcm)
    decoded = mimi.torch_decode(model, codes)
    margin = mimi.code_margin(model, latent, CODEBOOKS)
    if margin < MIN_MARGIN:
        raise Unsuitable(f"smallest code margin {margin:.2e}")
    found, compared = mimi.compare_mlx(path, config, pcm, codes, decoded)
    write_golden(folder, {
        "pcm": pcm, "latent": latent, "codes": codes, "decoded": decoded,
        "moshi_mlx.codes": found["plain"], "moshi_mlx_patched.codes": found["causal_gelu_ring"],
    })
    distinct = [len(np.unique(row)) for row in codes]
    return {"seed": seed, "frames": frames, "min_code_margin": margin, "distinct_codes": distinct,
            "latent_rms": float(np.sqrt(np.mean(latent**2))), "decoded_rms": float(np.sqrt(np.mean(decoded**2))),
            "moshi_mlx_vs_torch": compared}
