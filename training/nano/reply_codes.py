"""nano's own sentences as the codes that the language model learns to say."""

from pathlib import Path

import numpy as np
import sentencepiece
import torch
from torch import nn

from .architecture import FRAME_SAMPLES
from .clips import Clips, frames_of
from .dialogues import Reply, text_of
from .phrases import all_replies

SETTLED = 40  # frames of digital silence after which the codes no longer change
TAIL = 2  # frames after a sentence in which its codes still ring


@torch.no_grad()
def steady_silence(codec: nn.Module, device: str) -> np.ndarray:
    """[CODEBOOKS]: the codes of silence that has lasted."""
    codes = codec.encode(torch.zeros(1, 1, 2 * SETTLED * FRAME_SAMPLES, device=device))[0].cpu().numpy()
    if (codes[:, SETTLED:] != codes[:, -1:]).any():
        raise RuntimeError("The codes of silence do not come to rest: train the codec longer.")
    return codes[:, -1]


@torch.no_grad()
def reply_codes(codec: nn.Module, clips: Clips, pieces: sentencepiece.SentencePieceProcessor, device: str) -> list[Reply]:
    """Every sentence of `all_replies()`, spoken after silence."""
    replies = []
    for row, sentence in zip(clips.replies, all_replies()):
        frames = frames_of(int(clips.samples[row])) + TAIL
        wave = torch.zeros(1, 1, (SETTLED + frames) * FRAME_SAMPLES, device=device)
        samples = int(clips.samples[row])
        wave[0, 0, SETTLED * FRAME_SAMPLES :][:samples] = clips.audio[row, :samples].float()
        codes = codec.encode(wave)[0, :, SETTLED:].cpu().numpy()
        replies.append(Reply(codes, text_of(pieces.encode(sentence), frames - TAIL)))
    return replies


def load_pieces(path: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(str(path))
