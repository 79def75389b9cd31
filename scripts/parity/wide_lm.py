"""Part `wide`: temporal layers and a depformer of the released 7B's sizes, random weights, against moshi_mlx.

Too large for PyTorch in float32 here; that moshi_mlx in PyTorch's alignment equals PyTorch is checked on testdata first.
"""

import re
from pathlib import Path

import mlx.core as mx
import numpy as np
from golden import cases, lm_weights, spm
from golden.files import read_golden, read_json, write_golden, write_json
from mlx.utils import tree_flatten

from . import aligned
from .program import Program
from .report import Report

MIN_MARGIN = 5e-3
# Standard deviation of a weight, times the square root of its inputs where it is a matrix product.
GAINS = [
    (r"^text_emb\.", 0.8, False), (r"^audio_embs\.", 0.4, False), (r"\.emb\.weight$", 1.0, False), (r"in_proj", 1.3, True),
    (r"out_proj", 1.6, True), (r"gating\.linear_in", 1.3, True), (r"gating\.linear_out", 1.8, True), (r"^text_linear", 8.0, True),
    (r"slices\.\d+\.linear_in", 1.0, True), (r"slices\.\d+\.linear_out", 4.0, True),
]


def lm_config(layers: int, slices: int) -> dict:
    """The released sizes but for the number of layers and slices."""
    return lm_weights.lm_config(
        dim=4096, heads=32, layers=layers, hidden_scale=4.125, context=3000, text_card=32000, card=2048, n_q=8 + slices,
        dep_q=slices, delays=[0] + [0] + [1] * (slices - 1) + [0] + [1] * 7, dep_dim=1024, dep_heads=16, dep_layers=6,
        dep_feedforward=4224,
    )


def write_checkpoint(path: Path, config: dict, precision: str, seed: int) -> None:
    """Tensor by tensor, as moshi_mlx would: bfloat16, then `mx.quantize` of every matrix."""
    names = [(name, value.shape) for name, value in tree_flatten(lm_weights.mlx_model(config, "bf16").parameters())]
    tensors = {}
    for index, (name, shape) in enumerate(names):
        noise = mx.random.normal(shape, key=mx.random.key(1000 * seed + index))
        if len(shape) == 1:
            tensors[name] = (1 + 0.2 * noise).astype(mx.bfloat16)
            continue
        gain, scaled = next((gain, scaled) for pattern, gain, scaled in GAINS if re.search(pattern, name))
        weight = (noise * (gain / shape[-1] ** 0.5 if scaled else gain)).astype(mx.bfloat16)
        stem = name.removesuffix("weight")
        parts = mx.quantize(weight, **lm_weights.QUANTISATION[precision])
        mx.eval(*parts)
        tensors |= {f"{stem}weight": parts[0], f"{stem}scales": parts[1], f"{stem}biases": parts[2]}
    mx.save_safetensors(str(path), tensors)


def check_alignment(testdata: Path, report: Report) -> None:
    """moshi_mlx's window is one position longer than PyTorch's: given one less, it must choose PyTorch's tokens."""
    folder = testdata / "lm-base"
    config, golden = read_json(folder / "config.json"), read_golden(folder)
    frames = 100
    model = lm_weights.load_mlx_f32(folder, config | {"context": config["context"] - 1}, "q4")
    text, audio, _ = aligned.greedy(model, config, golden["user_codes"][:, :frames])
    truth = golden["q4.text"][:frames], golden["q4.audio"][:, :frames]
    report.tokens("moshi_mlx in PyTorch's alignment, lm-base q4", truth, (text, audio))


def check(work: Path, report: Report, program: Program | None, *, testdata: Path, layers: int, slices: int, frames: int,
          precisions: list[str], seed: int) -> None:
    check_alignment(testdata, report)
    config = lm_config(layers, slices)
    for precision in precisions:
        folder = work / f"wide-{layers}x{slices}-{precision}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        file = lm_weights.FILES[precision]
        if not (folder / "config.json").exists():
            write_checkpoint(folder / file, config, precision, seed)
            spm.write_tokenizer(folder, cases.TOKENIZER_NAME, 48)
            write_json(folder / "config.json", config | {"moshi_name": file, "tokenizer_name": cases.TOKENIZER_NAME})
        known = f"truth-{frames}.safetensors"
        if not (folder / known).exists():
            codes = np.random.default_rng(seed).integers(0, config["card"], (8, frames)).astype(np.uint32)
            text, audio, margin = aligned.greedy(lm_weights.load_mlx_f32(folder, config, precision), config, codes)
            write_golden(folder, {"user_codes": codes, "text": text, "audio": audio, "margin": np.array([margin])}, known)
        truth = read_golden(folder, known)
        margin = float(truth["margin"][0])
        name = f"wide {layers} layers, {slices} slices, {precision}"
        clear = margin >= MIN_MARGIN
        report.line(name, None, f"{frames} frames, smallest margin {margin:.1e}" + ("" if clear else ": ambiguous, try another --seed"))
        if program is not None:
            report.tokens(f"{name}: generate", (truth["text"], truth["audio"]), program.generate(folder, truth["user_codes"], folder))
