"""One codec case: mimi.safetensors, mimi_config.json and golden.safetensors, refused unless every code is a clear choice."""

from pathlib import Path

import numpy as np

from . import mimi
from .files import read_golden, write_golden, write_json
from .lm_case import Unsuitable

CODEBOOKS = 8
MIN_MARGIN = 1e-3  # of squared distances of the order of 10
MAX_PCM_NOISE = 2e-5  # more than this between PyTorch and patched moshi_mlx is not rounding


def read_pcm(folder: Path, name: str = "golden.safetensors") -> np.ndarray:
    """What was encoded, as float32; the file holds its 16 bits."""
    return read_golden(folder, name)["pcm"].astype(np.float32) / 32768


def write_mimi_case(folder: Path, config: dict, *, seed: int, frames: int, keep_every: int = 1) -> dict:
    """Writes the codec and what PyTorch and moshi_mlx make of it.

    Of decoded speech every `keep_every`-th sample is kept: 13 shares no factor with Mimi's strides, so that each position in
    a frame has its turn.
    """
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
    found, spoken, compared = mimi.compare_mlx(path, config, pcm, codes, decoded)
    alike = compared["causal_gelu_ring"]
    if alike["equal_codes"] < 1 or alike["max_abs_pcm"] > MAX_PCM_NOISE:
        raise AssertionError(f"moshi_mlx with PyTorch's masks and GELU is not PyTorch: {alike}")
    write_golden(folder, {
        "pcm": np.round(pcm * 32768).astype(np.int16), "codes": codes, "decoded": decoded[::keep_every],
        "decoded_every": np.array([keep_every], np.int32),
        "moshi_mlx.codes": found["plain"], "moshi_mlx_patched.codes": found["causal_gelu_ring"],
        "moshi_mlx_patched.decoded": spoken["causal_gelu_ring"][::keep_every],
    })
    distinct = [len(np.unique(row)) for row in codes]
    return {"seed": seed, "frames": frames, "min_code_margin": margin, "distinct_codes": distinct,
            "latent_rms": float(np.sqrt(np.mean(latent**2))), "decoded_rms": float(np.sqrt(np.mean(decoded**2))),
            "moshi_mlx_vs_torch": compared}
