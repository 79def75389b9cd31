"""What a microphone hears: clips of speech placed in time, in a room, with noise and with nano's own voice leaking back."""

from dataclasses import dataclass

import numpy as np
import torch

from .acoustics import Acoustics
from .clips import LONGEST_SAMPLES, Clips

SLOWEST, FASTEST = 0.84, 1.2  # how far a clip's speed and pitch are bent, which makes new speakers of known ones


@dataclass
class Spoken:
    """Clips to place: one entry per clip. `row`: of the batch; `start`: sample in the row; `gain`; `speed` (1: as recorded);
    `limit`: samples after which a clip is cut off, where it is."""

    row: np.ndarray
    clip: np.ndarray
    start: np.ndarray
    gain: np.ndarray
    speed: np.ndarray
    limit: np.ndarray | None = None


def spoken_samples(clips: Clips, clip: int, speed: float) -> int:
    """How long a clip is when bent by `speed`."""
    return int(clips.samples[clip] / speed)


def place(clips: Clips, spoken: Spoken, batch: int, samples: int, device: str) -> torch.Tensor:
    """[batch, samples]: the clips where they belong, dry. Linear interpolation bends speed and pitch together."""
    line = torch.zeros(batch * samples, device=device)
    longest = int(LONGEST_SAMPLES / SLOWEST)
    step = torch.arange(longest, device=device)
    limits = np.full(len(spoken.row), longest) if spoken.limit is None else spoken.limit
    for begin in range(0, len(spoken.row), 256):
        part = slice(begin, begin + 256)
        row, clip, start, gain, speed, length, limit = (
            torch.as_tensor(values, device=device)
            for values in (
                spoken.row[part],
                spoken.clip[part],
                spoken.start[part],
                spoken.gain[part].astype(np.float32),
                spoken.speed[part].astype(np.float32),
                clips.samples[spoken.clip[part]],
                limits[part],
            )
        )
        source = step * speed[:, None]
        left = source.long().clamp(max=LONGEST_SAMPLES - 2)
        share = source - left
        audio = clips.audio[clip]
        wave = torch.gather(audio, 1, left).float() * (1 - share) + torch.gather(audio, 1, left + 1).float() * share
        target = start[:, None] + step
        inside = (target >= 0) & (target < samples) & (source < length[:, None]) & (step < limit[:, None])
        wave = torch.where(inside, wave * gain[:, None], torch.zeros_like(wave))
        target = (row[:, None] * samples + target).clamp(0, batch * samples - 1)
        line.index_add_(0, target.reshape(-1), wave.reshape(-1))
    return line.view(batch, samples)


def heard(
    acoustics: Acoustics, dry: torch.Tensor, noise_rms: torch.Tensor, crowd: torch.Tensor | None, echo: torch.Tensor | None = None
) -> torch.Tensor:
    """[batch, samples]: `dry` speech (and nano's `echo`) in a room, with noise of the given RMS [batch] on top, as recorded."""
    room = acoustics.in_rooms(dry if echo is None else dry + echo)
    sound = room + acoustics.noise(*dry.shape, speech=crowd) * noise_rms[:, None]
    return sound.clamp(-1, 1)
