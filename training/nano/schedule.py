"""What the stages that train have in common: where their files lie, the optimiser, and the learning rate."""

import argparse
import math
from collections.abc import Iterable
from pathlib import Path

import torch

from .parallel import average_gradients


def arguments_of(stage: str, about: str | None, *files: str) -> argparse.ArgumentParser:
    """A parser with the device and those of a stage's usual files that it names."""
    usual = {
        "corpus": "work/corpus",
        "replies": "work/replies",
        "tokenizer": "work/tokenizer_spm_nano.model",
        "codec": "work/codec_tuned.pt",
    }
    parser = argparse.ArgumentParser(prog=f"python -m nano {stage}", description=about)
    for file in files:
        parser.add_argument(f"--{file}", type=Path, default=Path(usual[file]))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def adam(parameters: Iterable[torch.nn.Parameter], betas: tuple[float, float], weight_decay: float, device: str) -> torch.optim.AdamW:
    """AdamW; its rate is set step by step by [`set_rate`]. In one kernel on a GPU."""
    fused = {"fused": True} if device.startswith("cuda") else {}
    return torch.optim.AdamW(parameters, lr=1e-3, betas=betas, weight_decay=weight_decay, **fused)


def set_rate(optimiser: torch.optim.Optimizer, highest: float, step: int, warm_up: int, progress: float) -> None:
    """Rises over `warm_up` steps and falls as half a cosine to a hundredth; `progress` from 0 to 1."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(1, progress)))
    for group in optimiser.param_groups:
        group["lr"] = highest * min(1, (step + 1) / warm_up) * (0.01 + 0.99 * cosine)


def descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor, parameters: list[torch.nn.Parameter], longest: float) -> None:
    """One step down, with gradients of at most `longest`, averaged over the processes that train."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    average_gradients(parameters)
    torch.nn.utils.clip_grad_norm_(parameters, longest)
    optimiser.step()
