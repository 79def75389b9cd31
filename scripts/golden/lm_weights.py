"""Random LM checkpoints: PyTorch names first, then moshi_mlx's own conversion and quantisation write the published files."""

import re
import tempfile
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import torch
from moshi.models import loaders
from moshi.models.lm import LMModel
from moshi_mlx.models import Lm, LmConfig

# Keys of config.json that describe the repository and are not arguments of the LM.
REPOSITORY_KEYS = ("model_type", "moshi_name", "mimi_name", "mimi_config_name", "tokenizer_name", "lm_gen_config")

FILES = {"bf16": "model.safetensors", "q8": "model.q8.safetensors", "q4": "model.q4.safetensors"}
QUANTISATION = {"q8": dict(bits=8, group_size=64), "q4": dict(bits=4, group_size=32)}


def lm_config(*, dim, heads, layers, hidden_scale, context, text_card, card, n_q, dep_q, delays,
              dep_dim, dep_heads, dep_layers, dep_feedforward, max_period=10000, schedule=None, low_rank=None) -> dict:
    """config.json with Kyutai's keys."""
    config = {
        "dim": dim, "text_card": text_card, "existing_text_padding_id": 3, "n_q": n_q, "dep_q": dep_q, "card": card,
        "num_heads": heads, "num_layers": layers, "hidden_scale": hidden_scale, "causal": True, "layer_scale": None,
        "context": context, "max_period": max_period, "gating": "silu", "norm": "rms_norm_f32",
        "positional_embedding": "rope",
        "depformer_dim": dep_dim, "depformer_dim_feedforward": dep_feedforward, "depformer_num_heads": dep_heads,
        "depformer_num_layers": dep_layers, "depformer_layer_scale": None, "depformer_multi_linear": True,
        "depformer_context": dep_q, "depformer_max_period": 10000, "depformer_gating": "silu",
        "depformer_pos_emb": "none", "depformer_weights_per_step": True,
    }
    if schedule is not None:
        config["depformer_weights_per_step_schedule"] = schedule
    if low_rank is not None:
        config["depformer_low_rank_embeddings"] = low_rank
    config["delays"] = delays
    return config


def lm_arguments(config: dict) -> dict:
    return {key: value for key, value in config.items() if key not in REPOSITORY_KEYS}


def torch_model(config: dict) -> LMModel:
    return loaders.get_moshi_lm(None, lm_arguments(config), device="cpu", dtype=torch.float32).eval()


def _hidden(dim: int, feedforward: int) -> int:
    return 21 * dim // 8 if feedforward == 4 * dim else 2 * feedforward // 3


def mlx_config(config: dict) -> LmConfig:
    """moshi_mlx 0.3.0 ignores `hidden_scale` and has another gated size than PyTorch at 4 * dim: set the same size by hand."""
    result = LmConfig.from_config_dict(lm_arguments(config))
    for part, dim, feedforward in (
        (result.transformer, config["dim"], int(config["hidden_scale"] * config["dim"])),
        (result.depformer.transformer, config["depformer_dim"], config["depformer_dim_feedforward"]),
    ):
        hidden = _hidden(dim, feedforward)
        part.dim_feedforward = next(ff for ff in range(3 * hidden // 2, 3 * hidden // 2 + 3) if 2 * ff // 3 == hidden)
        assert part.dim_feedforward != 4 * dim, "moshi_mlx cannot express this hidden size"
    return result


def mlx_model(config: dict, precision: str) -> Lm:
    """The model as the official scripts build it, before its weights are loaded."""
    model = Lm(mlx_config(config))
    model.set_dtype(mx.bfloat16)
    if precision != "bf16":
        nn.quantize(model, **QUANTISATION[precision])
    return model


def random_torch_weights(config: dict, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """Official PyTorch names. Scales are chosen so that attention matters and that logits spread over about +-20."""
    dim, dep_dim, steps = config["dim"], config["depformer_dim"], config["dep_q"]
    hidden = _hidden(dim, int(config["hidden_scale"] * dim))
    dep_hidden = _hidden(dep_dim, config["depformer_dim_feedforward"])
    schedule = config.get("depformer_weights_per_step_schedule") or list(range(steps))
    low_rank = config.get("depformer_low_rank_embeddings")
    weights: dict[str, np.ndarray] = {}

    def linear(name: str, out: int, inside: int, gain: float = 1.0) -> None:
        weights[name] = rng.normal(0.0, gain / np.sqrt(inside), (out, inside))

    def embedding(name: str, rows: int, width: int, scale: float) -> None:
        weights[name] = rng.normal(0.0, scale, (rows, width))

    def norm(name: str, width: int) -> None:
        weights[name] = (1.0 + 0.2 * rng.normal(0.0, 1.0, width))[None, None]

    def attention(prefix: str, width: int, copies: int) -> None:
        parts_in, parts_out = [], []
        for _ in range(copies):
            gains = np.repeat([1.4, 1.4, 1.2], width)[:, None]
            parts_in.append(gains * rng.normal(0.0, 1.0 / np.sqrt(width), (3 * width, width)))
            parts_out.append(rng.normal(0.0, 1.6 / np.sqrt(width), (width, width)))
        weights[f"{prefix}.in_proj_weight"] = np.concatenate(parts_in)
        weights[f"{prefix}.out_proj.weight"] = np.concatenate(parts_out)

    def gating(prefix: str, width: int, inner: int) -> None:
        linear(f"{prefix}.linear_in.weight", 2 * inner, width, 1.3)
        linear(f"{prefix}.linear_out.weight", width, inner, 1.8)

    embedding("text_emb.weight", config["text_card"] + 1, dim, 0.8)
    for index in range(config["n_q"]):
        embedding(f"emb.{index}.weight", config["card"] + 1, dim, 1.6 / np.sqrt(config["n_q"]))
    for layer in range(config["num_layers"]):
        prefix = f"transformer.layers.{layer}"
        norm(f"{prefix}.norm1.alpha", dim)
        norm(f"{prefix}.norm2.alpha", dim)
        attention(f"{prefix}.self_attn", dim, 1)
        gating(f"{prefix}.gating", dim, hidden)
    norm("out_norm.alpha", dim)
    linear("text_linear.weight", config["text_card"], dim, 8.0)

    copies = max(schedule) + 1
    for index in range(copies):
        linear(f"depformer_in.{index}.weight", dep_dim, dim)
    names = ["depformer_text_emb"] + [f"depformer_emb.{index}" for index in range(steps - 1)]
    for index, name in enumerate(names):
        rows = config["text_card" if index == 0 else "card"] + 1
        embedding(f"{name}.weight", rows, low_rank or dep_dim, 1.0)
        if low_rank is not None:
            linear(f"{name}.low_rank.weight", dep_dim, low_rank)
    for layer in range(config["depformer_num_layers"]):
        prefix = f"depformer.layers.{layer}"
        norm(f"{prefix}.norm1.alpha", dep_dim)
        norm(f"{prefix}.norm2.alpha", dep_dim)
        attention(f"{prefix}.self_attn", dep_dim, copies)
        for index in range(copies):
            gating(f"{prefix}.gating.{index}", dep_dim, dep_hidden)
    for index in range(steps):
        linear(f"linears.{index}.weight", config["card"], dep_dim, 4.0)
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in weights.items()}


def write_checkpoints(folder: Path, config: dict, weights: dict[str, torch.Tensor], precisions: list[str]) -> None:
    """Kyutai's own route: PyTorch file, `Lm.load_pytorch_weights`, bf16, then `nn.quantize`."""
    torch_model(config).load_state_dict(dict(weights), strict=True)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "torch.safetensors"
        mx.save_safetensors(str(source), {name: mx.array(value.numpy()) for name, value in weights.items()})
        for precision in precisions:
            model = mlx_model(config, "bf16")
            model.load_pytorch_weights(str(source), model.cfg, strict=True)
            model.set_dtype(mx.bfloat16)
            if precision != "bf16":
                nn.quantize(model, **QUANTISATION[precision])
            mx.eval(model.parameters())
            model.save_weights(str(folder / FILES[precision]))


def dequantised(path: Path, precision: str) -> dict[str, np.ndarray]:
    """A published MLX file as float32 tensors under its own names, quantised groups expanded exactly."""
    tensors = mx.load(str(path))
    result = {}
    for name, value in tensors.items():
        if name.endswith((".scales", ".biases")):
            continue
        scales = tensors.get(name.removesuffix("weight") + "scales")
        if scales is None:
            value = value.astype(mx.float32)
        else:
            biases = tensors[name.removesuffix("weight") + "biases"]
            value = mx.dequantize(value, scales.astype(mx.float32), biases.astype(mx.float32), **QUANTISATION[precision])
            assert value.dtype == mx.float32
        result[name] = np.array(value)
    return result


def torch_names(tensors: dict[str, np.ndarray], config: dict) -> dict[str, torch.Tensor]:
    """MLX layout back to PyTorch names: per-slice copies become the shared or concatenated per-step weights."""
    schedule = config.get("depformer_weights_per_step_schedule") or list(range(config["dep_q"]))
    result: dict[str, np.ndarray] = {}
    stacked: dict[str, dict[int, np.ndarray]] = {}

    def put(name: str, value: np.ndarray) -> None:
        assert name not in result or np.array_equal(result[name], value), f"slices disagree about {name}"
        result[name] = value

    for name, value in tensors.items():
        if name == "out_norm.weight" or re.search(r"\.norm[12]\.weight$", name):
            value, name = value[None, None], name.removesuffix("weight") + "alpha"
        found = re.match(r"depformer\.slices\.(\d+)\.(.*)$", name)
        if found is None:
            name = name.replace(".in_proj.weight", ".in_proj_weight")
            put("emb." + name.removeprefix("audio_embs.") if name.startswith("audio_embs.") else name, value)
            continue
        index, rest = int(found[1]), found[2]
        step = schedule[index]
        layer = re.match(r"transformer\.layers\.(\d+)\.(.*)$", rest)
        if rest.startswith("emb."):
            put(("depformer_text_emb" if index == 0 else f"depformer_emb.{index - 1}") + rest.removeprefix("emb"), value)
        elif rest == "linear_in.weight":
            put(f"depformer_in.{step}.weight", value)
        elif rest == "linear_out.weight":
            put(f"linears.{index}.weight", value)
        elif layer[2].startswith("self_attn."):
            target = f"depformer.layers.{layer[1]}.{layer[2]}".replace(".in_proj.weight", ".in_proj_weight")
            known = stacked.setdefault(target, {})
            assert step not in known or np.array_equal(known[step], value), f"slices disagree about {target}"
            known[step] = value
        elif layer[2].startswith("gating."):
            put(f"depformer.layers.{layer[1]}.gating.{step}.{layer[2].removeprefix('gating.')}", value)
        else:
            put(f"depformer.layers.{layer[1]}.{layer[2]}", value)
    for target, parts in stacked.items():
        result[target] = np.concatenate([parts[step] for step in range(len(parts))])
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in result.items()}


def load_torch(folder: Path, config: dict, precision: str) -> LMModel:
    model = torch_model(config)
    model.load_state_dict(torch_names(dequantised(folder / FILES[precision], precision), config), strict=True)
    return model


def load_mlx_f32(folder: Path, config: dict, precision: str) -> Lm:
    """moshi_mlx with the published file, then every float (scales and biases too) as float32."""
    model = mlx_model(config, precision)
    model.load_weights(str(folder / FILES[precision]), strict=True)
    model.set_dtype(mx.float32)
    mx.eval(model.parameters())
    return model
