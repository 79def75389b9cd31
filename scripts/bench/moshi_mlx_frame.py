"""python -m bench.moshi_mlx_frame DIR: what one frame costs moshi_mlx, as JSON.

`build`      building one frame's graph from plain integers by Lm._sample, nothing evaluated (evaluation is outside the clock);
`frame`      a whole frame as in moshi_mlx's local.py: LmGen.step, the text token's item(), last_audio_tokens, np.array;
`waiting`    the part of such a frame spent inside evaluations, `host` the rest;
`waits`      evaluations per frame that Python waits for;
`primitives_*` nodes in one frame's graph: of Lm._sample alone, and of the whole step with its checks;
`*_fused`    the same with RMSNorm, RoPE and attention as one node each, as on Metal (on the CPU each is a fallback of many).

Milliseconds are wall-clock time; `cpu_ms` is the CPU time of the Python thread, which other programs disturb less.
"""

import argparse
import json
import time
from pathlib import Path

import mlx.core as mx
import numpy as np
from golden import lm_weights
from golden.files import read_json
from moshi_mlx.models import LmGen
from moshi_mlx.utils import Sampler

from . import graph

WARM = 20


def load(folder: Path, dtype: mx.Dtype):
    config = read_json(folder / "config.json")
    precision = next(name for name, file in lm_weights.FILES.items() if file == config["moshi_name"])
    model = lm_weights.mlx_model(config, precision)
    model.load_weights(str(folder / config["moshi_name"]), strict=True)
    model.set_dtype(dtype)
    mx.eval(model.parameters())
    return model, config, precision


def sampler(greedy: bool) -> Sampler:
    return Sampler(temp=0.0) if greedy else Sampler()


def state(model) -> list:
    return [part for cache in model.transformer_cache + model.depformer_cache for part in cache.self_attn.state]


def build_times(model, config: dict, greedy: bool, frames: int) -> tuple[dict, dict]:
    rng = np.random.default_rng(3)
    text, audio = sampler(greedy), sampler(greedy)
    for cache in model.transformer_cache:
        cache.reset()
    wall, cpu = [], []
    for frame in range(WARM + frames):
        tokens = rng.integers(0, config["card"], config["n_q"]).tolist()
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        inputs = [mx.array([[token]]) for token in tokens]
        outputs = model._sample(mx.array([[3]]), inputs, text, audio)
        elapsed, elapsed_cpu = time.perf_counter() - begin, time.thread_time() - begin_cpu
        if frame == WARM:
            counted = graph.primitives(*outputs, *state(model))
        mx.eval(*outputs, *state(model))
        if frame >= WARM:
            wall.append(elapsed * 1e3)
            cpu.append(elapsed_cpu * 1e3)
    for cache in model.transformer_cache:
        cache.reset()
    return summary(wall) | {"cpu_ms": summary(cpu)}, graph.split(counted)


def run_frame(generator: LmGen, codes: np.ndarray) -> None:
    text = generator.step(mx.array(codes).transpose(1, 0)[:, :8])
    text[0].item()
    tokens = generator.last_audio_tokens()
    if tokens is not None:
        np.array(tokens).astype(np.uint32)


def frame_times(model, config: dict, greedy: bool, frames: int) -> dict:
    rng = np.random.default_rng(4)
    for cache in model.transformer_cache:
        cache.reset()
    generator = LmGen(model, max_steps=WARM + 2 * frames + 8, text_sampler=sampler(greedy), audio_sampler=sampler(greedy))

    def codes() -> np.ndarray:
        return rng.integers(0, config["card"], (config["n_q"] - config["dep_q"], 1)).astype(np.uint32)

    for _ in range(WARM):
        run_frame(generator, codes())
    whole, waiting, counts = [], [], []
    for _ in range(frames):
        given = codes()
        begin = time.perf_counter()
        run_frame(generator, given)
        whole.append((time.perf_counter() - begin) * 1e3)
    host = []
    for _ in range(frames):
        given = codes()
        with graph.watched() as waits:
            begin = time.perf_counter()
            run_frame(generator, given)
            elapsed = (time.perf_counter() - begin) * 1e3
        waiting.append(waits.seconds * 1e3)
        host.append(elapsed - waits.seconds * 1e3)
        counts.append(waits.count)
    with graph.watched(count_primitives=True) as waits:
        run_frame(generator, codes())
    return {"frame": summary(whole), "waiting": summary(waiting), "host": summary(host),
            "waits": float(np.median(counts)), "primitives_step": graph.split(waits.found)}


def summary(values: list[float]) -> dict:
    return {name: round(float(np.percentile(values, share)), 3) for name, share in (("min_ms", 0), ("p50_ms", 50), ("p95_ms", 95))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.moshi_mlx_frame", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--greedy", action="store_true", help="temperature 0 instead of moshi_mlx's default sampler")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    arguments = parser.parse_args()
    model, config, precision = load(arguments.folder, getattr(mx, arguments.dtype))
    build, nodes = build_times(model, config, arguments.greedy, arguments.frames)
    with graph.fused_on_gpu():
        build_fused, nodes_fused = build_times(model, config, arguments.greedy, arguments.frames)
    print(json.dumps({
        "engine": "moshi_mlx", "precision": precision, "dtype": arguments.dtype, "greedy": arguments.greedy,
        "frames": arguments.frames, "build": build, "build_fused": build_fused,
        "primitives_sample": nodes, "primitives_sample_fused": nodes_fused,
    } | frame_times(model, config, arguments.greedy, arguments.frames)))


main()
