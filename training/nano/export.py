"""Writes the models in Kyutai's published formats: what `moshiko-mlx-q8`, `-q4` and `-bf16` hold, at nano's size.

Quantising happens here, once, by Kyutai's own route (`golden.lm_weights`): their MLX model loads the PyTorch weights and MLX
quantises every Linear and Embedding, q8 in groups of 64, q4 of 32. The program never quantises.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from .codec import in_half
from .phrases import all_replies
from .streaming import Sampling

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SHIPPED = ("config.json", "mimi.safetensors", "mimi_config.json", "model.q8.safetensors", "replies.json", "tokenizer_spm_nano.model")
LIMIT_BYTES = 8_000_000


def official_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Keys as in the published files: the `moshi` package splits attention projections per step when it saves."""
    named, split = {}, {}
    for name, value in state.items():
        match = re.match(r"(.*self_attn\.)(in|out)_projs\.(\d+)\.weight$", name)
        if match:
            whole = match[1] + ("in_proj_weight" if match[2] == "in" else "out_proj.weight")
            split.setdefault(whole, {})[int(match[3])] = value
        else:
            named[name] = value
    named |= {name: torch.cat([parts[i] for i in range(len(parts))]) for name, parts in split.items()}
    return {name: value.detach().cpu().contiguous() for name, value in named.items()}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m nano export", description=__doc__)
    parser.add_argument("--codec", type=Path, default=Path("work/codec_tuned.pt"))
    parser.add_argument("--lm", type=Path, default=Path("work/lm.pt"))
    parser.add_argument("--tokenizer", type=Path, default=Path("work/tokenizer_spm_nano.model"))
    parser.add_argument("--temp", type=float, default=Sampling.temp)
    parser.add_argument("--temp-text", type=float, default=Sampling.temp_text)
    parser.add_argument("--out", type=Path, default=Path("../assets/nano"))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    codec = torch.load(options.codec, map_location="cpu")
    save_file(in_half(official_names(codec["codec"])), options.out / "mimi.safetensors")
    (options.out / "mimi_config.json").write_text(json.dumps(codec["config"], indent=1) + "\n")

    sys.path.insert(0, str(SCRIPTS))
    from golden.lm_weights import write_checkpoints

    lm = torch.load(options.lm, map_location="cpu")
    write_checkpoints(options.out, lm["config"], official_names(lm["lm"]), ["bf16", "q8", "q4"])
    config = lm["config"] | {
        "model_type": "moshi",
        "moshi_name": "model.q8.safetensors",
        "mimi_name": "mimi.safetensors",
        "mimi_config_name": "mimi_config.json",
        "tokenizer_name": "tokenizer_spm_nano.model",
        "lm_gen_config": {
            "temp": options.temp,
            "temp_text": options.temp_text,
            "top_k": Sampling.top_k,
            "top_k_text": Sampling.top_k_text,
        },
    }
    (options.out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.copyfile(options.tokenizer, options.out / "tokenizer_spm_nano.model")
    (options.out / "replies.json").write_text(json.dumps(all_replies(), indent=1) + "\n")

    names = sorted(path.name for path in options.out.iterdir() if path.suffix in (".json", ".safetensors", ".model"))
    sums = [f"{hashlib.sha256((options.out / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (options.out / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    shipped = sum((options.out / name).stat().st_size for name in SHIPPED)
    print(f"{options.out}: {shipped} bytes for the app in q8, of {LIMIT_BYTES} allowed")
    if shipped > LIMIT_BYTES:
        raise SystemExit("Too large.")
