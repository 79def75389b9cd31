"""How far decoded speech is from the original: spectra, and a discriminator that learns what speech looks like.

Sources: multi-resolution STFT losses as in Parallel WaveGAN (arXiv 1910.11480) with mel bands; the discriminator on complex
STFTs and the feature loss as in EnCodec (arXiv 2210.13438, section 3.4), at small width.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from .architecture import SAMPLE_RATE


def mel_bands(window: int, bands: int, low_hz: float = 40, high_hz: float = 11_000) -> torch.Tensor:
    """[bands, window // 2 + 1]: triangles on the mel scale."""
    edges = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + f / 700) for f in (low_hz, high_hz)), bands + 2) / 2595) - 1)
    hertz = np.linspace(0, SAMPLE_RATE / 2, window // 2 + 1)
    rise = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    return torch.tensor(np.maximum(0, np.minimum(rise, fall)), dtype=torch.float32)


class SpectralLoss(nn.Module):
    """Mean over four window lengths of the L1 distance of mel magnitudes, logarithmic and linear."""

    SHAPES = ((256, 20), (512, 40), (1024, 64), (2048, 80))

    def __init__(self):
        super().__init__()
        for window, bands in self.SHAPES:
            self.register_buffer(f"bands{window}", mel_bands(window, bands))
            self.register_buffer(f"window{window}", torch.hann_window(window))

    def forward(self, made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """`made`, `real`: [batch, samples]."""
        total = 0.0
        for window, _ in self.SHAPES:
            spectra = torch.stft(
                torch.cat([made, real]), window, window // 4, window=getattr(self, f"window{window}"), return_complex=True
            )
            size = torch.sqrt(spectra.real.square() + spectra.imag.square() + 1e-8)
            mel = torch.matmul(getattr(self, f"bands{window}"), size) / math.sqrt(window / 4)
            made_mel, real_mel = mel.chunk(2)
            # 2e-3 is 40 dB under speech: below it nothing is worth copying.
            total = total + ((made_mel + 2e-3).log() - (real_mel + 2e-3).log()).abs().mean() + 2 * (made_mel - real_mel).abs().mean()
        return total / len(self.SHAPES)


class Discriminator(nn.Module):
    """Judges complex spectra of three window lengths; returns scores and the features on the way."""

    WINDOWS = (512, 1024, 2048)

    def __init__(self, channels: int = 16):
        super().__init__()
        self.nets = nn.ModuleList()
        for window in self.WINDOWS:
            self.register_buffer(f"window{window}", torch.hann_window(window))
            widths = [2, channels, channels, channels, channels]
            convolutions = [
                weight_norm(nn.Conv2d(a, b, (3, 9), stride=(1, 1 if i == 0 else 2), padding=(1, 4)))
                for i, (a, b) in enumerate(zip(widths, widths[1:]))
            ]
            self.nets.append(nn.ModuleList([*convolutions, weight_norm(nn.Conv2d(channels, 1, 3, padding=1))]))

    def forward(self, wave: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """`wave`: [batch, samples]."""
        scores, features = [], []
        for window, net in zip(self.WINDOWS, self.nets):
            spectrum = torch.stft(
                wave, window, window // 4, window=getattr(self, f"window{window}"), return_complex=True, normalized=True
            )
            x = torch.view_as_real(spectrum).permute(0, 3, 2, 1)
            for convolution in list(net)[:-1]:
                x = F.leaky_relu(convolution(x), 0.2)
                features.append(x)
            scores.append(net[-1](x))
        return scores, features


def judge_loss(real: list[torch.Tensor], made: list[torch.Tensor]) -> torch.Tensor:
    """What the discriminator minimises: hinge."""
    return sum(F.relu(1 - r).mean() + F.relu(1 + m).mean() for r, m in zip(real, made)) / len(real)


def fooling_loss(made: list[torch.Tensor]) -> torch.Tensor:
    """What the decoder minimises against it."""
    return sum(F.relu(1 - m).mean() for m in made) / len(made)


def feature_loss(real: list[torch.Tensor], made: list[torch.Tensor]) -> torch.Tensor:
    """Relative L1 distance of the discriminator's features."""
    return sum((r.detach() - m).abs().mean() / (r.detach().abs().mean() + 1e-4) for r, m in zip(real, made)) / len(real)
