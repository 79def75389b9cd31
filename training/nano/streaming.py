"""The trained models in a talk, frame by frame through Kyutai's own streaming code, many talks at once."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from .architecture import CODEBOOKS, TEXT_PAD


@dataclass
class Sampling:
    """As in `lm_gen_config` of config.json."""

    temp: float = 0.6
    temp_text: float = 0.4
    top_k: int = 50
    top_k_text: int = 10
    use_sampling: bool = True


@torch.no_grad()
def talk(model: nn.Module, user: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Lets the model answer. `user`: [batch, CODEBOOKS, T]. Returns text [batch, T] and its own codes [batch, CODEBOOKS, T], both
    in the order in which a listener gets them: one frame late, the first frame PAD and nothing (codes -1)."""
    from moshi.models.lm import LMGen

    batch, _, frames = user.shape
    generator = LMGen(
        model,
        use_sampling=sampling.use_sampling,
        temp=sampling.temp,
        temp_text=sampling.temp_text,
        top_k=sampling.top_k,
        top_k_text=sampling.top_k_text,
    )
    text, codes = [], []
    with generator.streaming(batch):
        for frame in range(frames):
            step = generator.step(user[:, :, frame : frame + 1])
            if step is None:
                text.append(torch.full((batch,), TEXT_PAD, device=user.device))
                codes.append(torch.full((batch, CODEBOOKS), -1, device=user.device))
            else:
                text.append(step[:, 0, 0].clone())
                codes.append(step[:, 1 : 1 + CODEBOOKS, 0].clone())
    return torch.stack(text, 1), torch.stack(codes, 2)


@torch.no_grad()
def speak(codec: nn.Module, codes: torch.Tensor, silence: np.ndarray) -> torch.Tensor:
    """[batch, samples] of codes [batch, CODEBOOKS, T]; where there are none yet, silence."""
    quiet = torch.as_tensor(silence, device=codes.device)[None, :, None]
    codes = torch.where(codes < 0, quiet, codes)
    return torch.cat([codec.decode(part)[:, 0] for part in codes.split(32)])


def quantised_as(model: nn.Module, bits: int) -> None:
    """Rounds every Linear and Embedding as MLX's affine quantisation will (q8: groups of 64, q4: of 32), in place."""
    group = 64 if bits == 8 else 32
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            weight = module.weight.data
            groups = weight.reshape(weight.shape[0], -1, group)
            low, high = groups.amin(-1, keepdim=True), groups.amax(-1, keepdim=True)
            scale = ((high - low) / (2**bits - 1)).clamp(min=1e-8)
            module.weight.data = (((groups - low) / scale).round() * scale + low).reshape(weight.shape)
