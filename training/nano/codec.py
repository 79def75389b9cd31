"""Kyutai's Mimi module in training: the path through it, piece by piece, and listeners that make its codes mean something."""

from dataclasses import dataclass

import torch
from torch import nn

from .architecture import mimi_config
from .clips import UNKNOWN

NOTHING_YET = UNKNOWN + 1  # the class of a frame after which nothing is to be answered
SUBFRAMES = 4  # phones are told at 50 Hz


def new_codec(config: dict, device: str) -> nn.Module:
    """An untrained Mimi of eight codebooks."""
    from moshi.models import loaders

    return loaders.get_mimi(None, config, num_codebooks=8, device=device)


def load_codec(path, device: str) -> tuple[nn.Module, dict]:
    """A trained one and its configuration, from a checkpoint of `codec_training` or `decoder_training`."""
    saved = torch.load(path, map_location=device)
    codec = new_codec(saved["config"], device)
    # Codes must be those that the exported weights give.
    codec.load_state_dict({name: value.float() for name, value in in_half(saved["codec"]).items()})
    codec.eval()
    return codec, saved["config"]


def in_half(codec: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Mimi's tensors in 16 bits. Codebooks are kept as centroids with a usage of 1, so that their sums fit half floats too."""
    halves = {}
    for name, value in codec.items():
        if name.endswith("embedding_sum"):
            usage = codec[name.removesuffix("embedding_sum") + "cluster_usage"]
            value = value / usage.clamp(min=1e-5)[:, None]
        elif name.endswith("cluster_usage"):
            value = torch.ones_like(value)
        halves[name] = value.half()
    return halves


@dataclass
class Quantised:
    """`semantic`, `whole`: [batch, width, frames] after codebook 0, and after all; `commitment`: scalar."""

    semantic: torch.Tensor
    whole: torch.Tensor
    commitment: torch.Tensor


class Encode(nn.Module):
    """[batch, samples] to the latent before quantising, [batch, width, frames], with gradients."""

    def __init__(self, codec: nn.Module):
        super().__init__()
        self.encoder, self.transformer, self.downsample = codec.encoder, codec.encoder_transformer, codec.downsample

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        (latent,) = self.transformer(self.encoder(wave[:, None]))
        return self.downsample(latent)


class Decode(nn.Module):
    """The quantised latent [batch, width, frames] to [batch, samples], with gradients."""

    def __init__(self, codec: nn.Module, samples: int):
        super().__init__()
        self.upsample, self.transformer, self.decoder = codec.upsample, codec.decoder_transformer, codec.decoder
        self.samples = samples

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        (latent,) = self.transformer(self.upsample(latent))
        return self.decoder(latent)[:, 0, : self.samples]


def quantised(codec: nn.Module, latent: torch.Tensor) -> Quantised:
    """Rounds a latent to the codebooks, with straight-through gradients."""
    first = codec.quantizer.rvq_first(latent, codec.frame_rate)
    rest = codec.quantizer.rvq_rest(latent, codec.frame_rate)
    return Quantised(first.x, first.x + rest.x, first.penalty + rest.penalty)


class Listener(nn.Module):
    """Hears codes as the language model will: which phones, and after which frame which phrase has been said.

    Its losses flow into the encoder, in place of Mimi's distillation from a large speech model (arXiv 2410.00037, 3.3.3):
    codes must carry words through noise, and nothing else knows what a word is.
    """

    def __init__(self, phones: int, width: int = mimi_config()["seanet"]["dimension"], hidden: int = 192):
        super().__init__()
        self.recurrence = nn.GRU(width, hidden, batch_first=True)
        self.phones = nn.Linear(hidden, SUBFRAMES * (phones + 1))
        self.phrases = nn.Linear(hidden, NOTHING_YET + 1)

    def forward(self, latent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`latent`: [batch, width, frames]. Returns phone logits [batch, 4 × frames, phones + 1] (0 is CTC's blank) and phrase
        logits [batch, frames, NOTHING_YET + 1]."""
        state, _ = self.recurrence(latent.transpose(1, 2))
        batch, frames, _ = state.shape
        return self.phones(state).view(batch, frames * SUBFRAMES, -1), self.phrases(state)
