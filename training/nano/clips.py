"""The corpus in the memory of the device that trains: every clip of speech, replies, and bursts of noise."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from .architecture import FRAME_SAMPLES, SAMPLE_RATE
from .phrases import PHRASES, all_replies

# Phrase numbers beyond the known ones: other speech, noise that is nothing to answer to, nano's own sentences.
UNKNOWN, BURST, REPLY = len(PHRASES), len(PHRASES) + 1, len(PHRASES) + 2
LONGEST_SAMPLES = 2 * SAMPLE_RATE


@dataclass
class Clips:
    """Clips as rows of one tensor.

    `audio`: [clips, LONGEST_SAMPLES] half floats at 24 kHz, zero after the end; `samples`: [clips] lengths;
    `phrase`: [clips] index in PHRASES, UNKNOWN, BURST or REPLY; `phones`: [clips, longest] phone numbers from 1, 0 after the end;
    `phone_counts`: [clips].
    """

    audio: torch.Tensor
    samples: np.ndarray
    phrase: np.ndarray
    phones: torch.Tensor
    phone_counts: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    bursts: np.ndarray
    replies: np.ndarray

    def of(self, phrase: int, rows: np.ndarray) -> np.ndarray:
        """Those of `rows` that say `phrase`."""
        return rows[self.phrase[rows] == phrase]


def load_clips(folder: Path, replies: Path, device: str, bursts: int = 400, seed: int = 1, only_replies: bool = False) -> Clips:
    """Reads the corpus (FLAC or packed Opus) and nano's own sentences, and adds bursts of noise.

    `only_replies` leaves the corpus out. `training`, `validation`, `bursts`, `replies` are row numbers; the replies lie in the order of `all_replies()`.
    """
    index = [] if only_replies else json.loads((folder / "clips.json").read_text())
    shards = {}
    inventory = {phone: number for number, phone in enumerate(json.loads((folder / "phones.json").read_text()), start=1)}
    rows, lengths = [], []
    for clip in index:
        name = clip["shard"]
        if name not in shards:
            shards[name] = soundfile.read(folder / name, dtype="float32")[0]
        speech = shards[name][clip["start"] : clip["start"] + clip["samples"]][:LONGEST_SAMPLES]
        rows.append(_at_one_loudness(speech))
        lengths.append(len(speech))
    generator = np.random.default_rng(seed)
    for _ in range(bursts):
        burst = _burst(generator)
        rows.append(burst.astype(np.float16))
        lengths.append(len(burst))
    for number in range(len(all_replies())):
        reply = soundfile.read(replies / f"{number:03}.flac", dtype="float32")[0][:LONGEST_SAMPLES]
        rows.append(_at_one_loudness(reply))
        lengths.append(len(reply))
    audio = np.zeros((len(rows), LONGEST_SAMPLES), np.float16)
    for row, speech in zip(audio, rows):
        row[: len(speech)] = speech
    counts = [len(clip["phones"]) for clip in index] + [0] * (len(rows) - len(index))
    phones = np.zeros((len(rows), max(counts)), np.int64)
    for row, clip in zip(phones, index):
        row[: len(clip["phones"])] = [inventory[phone] for phone in clip["phones"]]
    phrase = [clip["phrase"] if clip["phrase"] >= 0 else UNKNOWN for clip in index]
    phrase += [BURST] * bursts + [REPLY] * len(all_replies())
    split = np.array([clip["split"] for clip in index], dtype=str)
    every = np.arange(len(rows))
    return Clips(
        audio=torch.from_numpy(audio).to(device),
        samples=np.array(lengths),
        phrase=np.array(phrase),
        phones=torch.from_numpy(phones).to(device),
        phone_counts=np.array(counts),
        training=every[: len(index)][split == "train"],
        validation=every[: len(index)][split == "validation"],
        bursts=every[len(index) : len(index) + bursts],
        replies=every[len(index) + bursts :],
    )


def frames_of(samples: int) -> int:
    """How many frames a clip of so many samples touches when it starts with a frame."""
    return -(-samples // FRAME_SAMPLES)


def _at_one_loudness(speech: np.ndarray) -> np.ndarray:
    """RMS 0.12 in the loud part, so that a gain means the same for every voice."""
    loud = speech[np.abs(speech) > 0.1 * np.abs(speech).max()]
    return (speech * (0.12 / np.sqrt(np.mean(np.square(loud)) + 1e-9))).astype(np.float16)


def _burst(generator: np.random.Generator) -> np.ndarray:
    """A click, knock, hiss or beep of 10 to 400 ms: what microphones hear beside speech."""
    length = int(SAMPLE_RATE * 10 ** generator.uniform(-2, -0.4))
    time = np.arange(length) / SAMPLE_RATE
    decay = np.exp(-time * 10 ** generator.uniform(0.5, 2.3))
    attack = np.minimum(1, time / 10 ** generator.uniform(-3.5, -1.7))
    kind = generator.integers(3)
    if kind == 0:
        sound = generator.normal(size=length)
        width = int(generator.integers(1, 24))
        sound = np.convolve(sound, np.ones(width) / width, "same")
    elif kind == 1:
        sound = sum(np.sin(2 * np.pi * generator.uniform(60, 5000) * time) for _ in range(3))
    else:
        pitch = generator.uniform(80, 3000)
        sound = np.sin(2 * np.pi * (pitch * time + generator.uniform(-0.5, 0.5) * pitch * time**2))
    sound = sound * decay * attack
    return 0.12 * sound / (np.sqrt(np.mean(np.square(sound))) + 1e-9)
