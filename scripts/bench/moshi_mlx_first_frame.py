"""python -m bench.moshi_mlx_first_frame FILE: moshi_mlx loads a q4 file and takes its first step, as JSON.

Loads as moshi_mlx's local.py does: the model, `nn.quantize` of its (never computed) random weights, `load_weights`. On the CPU
everything is then converted to float32, because bf16 products are several times slower there and wrong.
"""

import argparse
import json
import time
from pathlib import Path

import mlx.core as mx
from golden import lm_weights
from moshi_mlx.models import LmGen
from moshi_mlx.utils import Sampler

from .full_size import PRECISION, config


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.moshi_mlx_first_frame", description=__doc__)
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    begin = time.perf_counter()
    model = lm_weights.mlx_model(config(), PRECISION)
    model.load_weights(str(path), strict=True)
    model.set_dtype(mx.float32)
    mx.eval(model.parameters())
    loaded = time.perf_counter()
    generator = LmGen(model, max_steps=8, text_sampler=Sampler(temp=0.0), audio_sampler=Sampler(temp=0.0))
    generator.step(mx.zeros((1, 8), dtype=mx.uint32))[0].item()
    done = time.perf_counter()
    print(json.dumps({"load_ms": round(1e3 * (loaded - begin)), "first_frame_ms": round(1e3 * (done - loaded)),
                      "mlx_peak_bytes": mx.get_peak_memory()}))


main()
