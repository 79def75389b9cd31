"""Random Mimi checkpoints under the official names, and what the official codecs make of them, frame by frame."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import torch
from moshi.models import loaders
from moshi.models.compression import MimiModel
from moshi_mlx.models import mimi as mlx_mimi
from moshi_mlx.modules import transformer as mlx_transformer
from safetensors.torch import save_file

FRAME = 1920


def mimi_config(*, dim, filters, layers, heads, feedforward, context, codebooks, bins, code_dim) -> dict:
    """mimi_config.json, the keys of moshi's loaders."""
    config = {part: dict(value) if isinstance(value, dict) else value for part, value in loaders._mimi_config.items()}
    config["seanet"] |= {"dimension": dim, "n_filters": filters}
    config["quantizer"] |= {"dimension": code_dim, "n_q": codebooks, "bins": bins, "input_dimension": dim, "output_dimension": dim}
    config["transformer"] |= {"d_model": dim, "num_heads": heads, "num_layers": layers, "context": context,
                              "dim_feedforward": feedforward, "input_dimension": dim, "output_dimensions": [dim]}
    return config


def signal(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Gliding tones, noise and a pause, on the 16-bit grid that microphones deliver."""
    count = frames * FRAME
    time = np.arange(count) / 24000
    wave = np.zeros(count)
    for _ in range(5):
        pitch = rng.uniform(80, 3000) * (1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.2, 2) * time + rng.uniform(0, 6)))
        loudness = np.maximum(0, np.sin(2 * np.pi * rng.uniform(0.3, 1.5) * time + rng.uniform(0, 6)))
        wave += 0.12 * loudness * np.sin(2 * np.pi * np.cumsum(pitch) / 24000)
    wave += 0.02 * rng.normal(size=count) * (1 + np.sin(2 * np.pi * 0.7 * time))
    pause = (frames // 3) * FRAME
    wave[pause : pause + 2 * FRAME] = 0
    return (np.round(np.clip(wave, -1, 1) * 32767) / 32768).astype(np.float32)


def _residuals(model: MimiModel, pcm: np.ndarray) -> torch.Tensor:
    with model.streaming(1):
        parts = [model._encode_to_unquantized_latent(torch.from_numpy(pcm[at : at + FRAME])[None, None])
                 for at in range(0, len(pcm), FRAME)]
    return torch.cat(parts, 2)


def _fill_codebooks(model: MimiModel, latent: torch.Tensor, rng: np.random.Generator) -> None:
    """Codewords drawn from the residuals they will quantise, so that all of them are used and none is close to another."""
    for part in (model.quantizer.rvq_first, model.quantizer.rvq_rest):
        residual = part.input_proj(latent)[0].T.contiguous()
        for layer in part.vq.layers:
            book = layer._codebook
            bins, width = book.embedding_sum.shape
            replacement = len(residual) < bins
            chosen = residual[torch.from_numpy(rng.choice(len(residual), bins, replace=replacement))]
            spread = residual.std()
            words = chosen + 0.3 * spread * torch.from_numpy(rng.normal(size=(bins, width)).astype(np.float32))
            usage = torch.from_numpy(rng.uniform(0.5, 40.0, bins).astype(np.float32))
            usage[int(rng.integers(bins))] = 0.0  # clamped to 1e-5 by the official code
            book.cluster_usage.copy_(usage)
            book.embedding_sum.copy_(words * usage.clamp(min=book.epsilon)[:, None])
            book._initialized.fill_(1.0)
            book.register_buffer("_embedding", None, persistent=False)
            words = book.embedding
            residual = residual - words[torch.cdist(residual, words).argmin(1)]


def randomise(model: MimiModel, rng: np.random.Generator, training_frames: int) -> None:
    """Random weights that keep a signal alive through both halves; codebooks fitted to what the encoder then gives out."""
    for name, value in model.named_parameters():
        shape, at = tuple(value.shape), name.split(".")
        if at[-1] == "scale":  # LayerScale
            fresh = 0.3 + 0.1 * rng.normal(size=shape)
        elif value.dim() == 1 and "norm" in at[-2]:
            fresh = (at[-1] == "weight") + 0.1 * rng.normal(size=shape)
        elif value.dim() == 1:
            fresh = 0.02 * rng.normal(size=shape)
        else:
            if "convtr" in at:  # [in, out / groups, kernel], the kernel is twice the stride
                inside = 2 * shape[0] if shape[1] > 1 or shape[0] == 1 else 2
            else:
                inside = int(np.prod(shape[1:]))
            gain = 1.4 if "encoder" in at[0] or "decoder" in at[0] else 1.0
            fresh = rng.normal(0.0, gain / np.sqrt(inside), shape)
        value.copy_(torch.from_numpy(np.asarray(fresh, dtype=np.float32)))
    _fill_codebooks(model, _residuals(model, signal(rng, training_frames)), rng)
    # The last convolution brings the output to speech level.
    with model.streaming(1):
        loud = torch.cat([model.decode(torch.from_numpy(rng.integers(0, 16, (1, model.num_codebooks, 1)))) for _ in range(12)], 2)
    final = model.decoder.model[-1].conv.conv
    final.weight.mul_(0.15 / loud.std())
    final.bias.mul_(0.15 / loud.std())


def official_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """moshi 0.2.13 saves `in_projs.0.weight`; the published file says `in_proj_weight`."""
    names = {name: name.replace("in_projs.0.weight", "in_proj_weight").replace("out_projs.0.weight", "out_proj.weight")
             for name in state}
    return {names[name]: value.contiguous() for name, value in state.items()}


def new_torch(config: dict, codebooks: int) -> MimiModel:
    return loaders.get_mimi(None, config, device="cpu", num_codebooks=codebooks).eval()


def write_mimi(path: Path, model: MimiModel, half: bool = False) -> None:
    state = official_names(model.state_dict())
    if half:
        state = {name: value if "_codebook" in name else value.half() for name, value in state.items()}
    save_file(state, path)


def load_torch(path: Path, config: dict, codebooks: int) -> MimiModel:
    return loaders.get_mimi(path, config, device="cpu", num_codebooks=codebooks).float().eval()


def torch_encode(model: MimiModel, pcm: np.ndarray) -> np.ndarray:
    with model.streaming(1):
        parts = [model.encode(torch.from_numpy(pcm[at : at + FRAME])[None, None]) for at in range(0, len(pcm), FRAME)]
    return torch.cat(parts, 2)[0].numpy().astype(np.uint32)


def torch_latent(model: MimiModel, pcm: np.ndarray) -> np.ndarray:
    return _residuals(model, pcm)[0].numpy()


def torch_decode(model: MimiModel, codes: np.ndarray) -> np.ndarray:
    columns = torch.from_numpy(codes.astype(np.int64))[None]
    with model.streaming(1):
        parts = [model.decode(columns[:, :, at : at + 1]) for at in range(columns.shape[2])]
    return torch.cat(parts, 2)[0, 0].numpy()


def code_margin(model: MimiModel, latent: np.ndarray, codebooks: int) -> float:
    """Smallest gap between the distances to the nearest and second-nearest codeword, relative to the nearest distance + 1."""
    worst, left = np.inf, codebooks
    for part in (model.quantizer.rvq_first, model.quantizer.rvq_rest):
        residual = part.input_proj(torch.from_numpy(latent)[None])[0].T.contiguous()
        for layer in part.vq.layers[:left]:
            words = layer._codebook.embedding
            distances = ((residual[:, None] - words) ** 2).sum(-1)
            best = distances.topk(2, largest=False)
            worst = min(worst, float((best.values[:, 1] - best.values[:, 0]).min()))
            residual = residual - words[best.indices[:, 0]]
        left -= 1
    return worst


def new_mlx(path: Path, config: dict, codebooks: int) -> mlx_mimi.Mimi:
    """moshi_mlx's Mimi with the sizes of `config` (its loader only knows the released ones)."""
    released = mlx_mimi.mimi_202407(codebooks)
    seanet, inner, quantizer = config["seanet"], config["transformer"], config["quantizer"]
    model = mlx_mimi.Mimi(replace(
        released,
        seanet=replace(released.seanet, dimension=seanet["dimension"], nfilters=seanet["n_filters"]),
        transformer=replace(released.transformer, d_model=inner["d_model"], num_heads=inner["num_heads"],
                            num_layers=inner["num_layers"], context=inner["context"], dim_feedforward=inner["dim_feedforward"]),
        quantizer_bins=quantizer["bins"], quantizer_dim=quantizer["dimension"],
    ))
    known = {f"quantizer.rvq_rest.vq.layers.{index}." for index in range(codebooks - 1, quantizer["n_q"])}
    model.load_pytorch_weights(str(path), strict=not known)
    mx.eval(model.parameters())
    return model


@contextmanager
def mlx_patches(*, causal: bool = False, exact_gelu: bool = False, ring: bool = False):
    """moshi_mlx's attention with a causal mask inside a frame, the exact GELU, and PyTorch's ring of `context` positions.

    PyTorch's ring holds exactly `context` positions and a frame of two writes both before it reads, so the first
    of the two sees one position less of the past.
    """
    attention, gelu = mlx_transformer.Attention.__call__, nn.gelu_approx

    def patched(self, xs, cache, mask=None):
        steps = xs.shape[1]
        start = cache.offset
        past = min(self.cfg.context, start)
        rows, columns = mx.arange(steps)[:, None], mx.arange(steps + past)[None] - past
        allowed = columns <= rows if causal else mx.ones((steps, steps + past), dtype=mx.bool_)
        if ring:
            allowed = allowed & (columns > steps - 1 - self.cfg.context)
        return attention(self, xs, cache, allowed)

    try:
        if causal or ring:
            mlx_transformer.Attention.__call__ = patched
        if exact_gelu:
            nn.gelu_approx = nn.gelu
        yield
    finally:
        mlx_transformer.Attention.__call__, nn.gelu_approx = attention, gelu


def mlx_encode(model: mlx_mimi.Mimi, pcm: np.ndarray) -> np.ndarray:
    model.reset_all()
    parts = [np.array(model.encode_step(mx.array(pcm[at : at + FRAME])[None, None])) for at in range(0, len(pcm), FRAME)]
    return np.concatenate(parts, 2)[0].astype(np.uint32)


def mlx_decode(model: mlx_mimi.Mimi, codes: np.ndarray) -> np.ndarray:
    model.reset_all()
    parts = [np.array(model.decode_step(mx.array(codes[None, :, at : at + 1]))) for at in range(codes.shape[1])]
    return np.concatenate(parts, 2)[0, 0]


PATCHES = {
    "plain": {},
    "causal_gelu": dict(causal=True, exact_gelu=True),
    "causal_gelu_ring": dict(causal=True, exact_gelu=True, ring=True),
}


def compare_mlx(path: Path, config: dict, pcm: np.ndarray, codes: np.ndarray, decoded: np.ndarray) -> tuple[dict, dict, dict]:
    """How far moshi_mlx is from PyTorch, as published and patched: (codes, speech, figures), each per variant."""
    model = new_mlx(path, config, codes.shape[0])
    found, spoken, figures = {}, {}, {}
    for name, patch in PATCHES.items():
        with mlx_patches(**patch):
            found[name] = mlx_encode(model, pcm)
            spoken[name] = wave = mlx_decode(model, codes)
        figures[name] = {
            "equal_codes": float((found[name] == codes).mean()),
            "equal_codes_first_book": float((found[name][0] == codes[0]).mean()),
            "max_abs_pcm": float(np.abs(wave - decoded).max()),
            "pcm_rms_error_over_rms": float(np.sqrt(np.mean((wave - decoded) ** 2) / np.mean(decoded**2))),
        }
    return found, spoken, figures
