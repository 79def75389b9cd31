"""python -m bench.full_size DIR: a q4 file with the released 7B's tensors, names, types and sizes, and random contents.

For measuring how a large file is loaded, not for what the model says. There is no config.json, as in Kyutai's repository.
"""

import argparse
import json
from pathlib import Path

import mlx.core as mx
import numpy as np
from golden import lm_weights
from mlx.utils import tree_flatten

from . import released

PRECISION = "q4"
DTYPES = {mx.uint32: ("U32", 4), mx.bfloat16: ("BF16", 2)}
BLOCK_BYTES = 1 << 26


def config() -> dict:
    """The released sizes (`config_v0_1`)."""
    return released.config(dim=4096, heads=32, hidden_scale=4.125, dep_dim=1024, dep_heads=16, dep_feedforward=4224)


def bfloat16(values: np.ndarray) -> bytes:
    """Truncated, which is as good as rounded for random numbers."""
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()


def contents(name: str, shape: tuple[int, ...], rng: np.random.Generator):
    """A tensor's bytes, in blocks: random codes, and scales that give weights of about 1 / sqrt(inputs)."""
    if name.endswith(".scales") or name.endswith(".biases"):
        step = 1 / (4.6 * (shape[-1] * lm_weights.QUANTISATION[PRECISION]["group_size"]) ** 0.5)
        yield bfloat16(np.full(shape, step if name.endswith(".scales") else -7.5 * step))
    elif len(shape) == 1:
        yield bfloat16(np.ones(shape))
    else:
        left = int(np.prod(shape)) * 4
        while left > 0:
            yield rng.bytes(min(left, BLOCK_BYTES))
            left -= BLOCK_BYTES


def write(folder: Path) -> Path:
    path = folder / lm_weights.FILES[PRECISION]
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    tensors = [(name, value.shape, value.dtype) for name, value in tree_flatten(lm_weights.mlx_model(config(), PRECISION).parameters())]
    header, offset = {}, 0
    for name, shape, dtype in tensors:
        kind, width = DTYPES[dtype]
        end = offset + int(np.prod(shape)) * width
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(1)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape, _ in tensors:
            for block in contents(name, shape, rng):
                file.write(block)
    partial.rename(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.full_size", description=__doc__)
    parser.add_argument("folder", type=Path)
    print(write(parser.parse_args().folder))
