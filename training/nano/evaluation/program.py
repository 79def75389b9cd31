"""The finished program on sounds: `moshibar talk`, `encode` and `decode`, through files."""

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from nano.evaluation.rooms import RATE_HZ

FRAME_S = 0.08


@dataclass(frozen=True)
class Word:
    """A word of nano's text. `start_s`: the beginning of the frame with its first piece."""

    text: str
    start_s: float


@dataclass(frozen=True)
class Answer:
    """What nano did in a session: its voice ([T] at 24 kHz, as long as the session) and its words."""

    audio: np.ndarray
    words: list[Word]


Talk = Callable[[np.ndarray, int], Answer]
"""Lets a model hear a session ([T] at 24 kHz) with a seed."""


@dataclass(frozen=True)
class Program:
    """The `moshibar` binary with a model (a name or a folder) in one quality (q4, q8, bf16)."""

    binary: Path
    model: str
    quality: str

    def talk(self, audio: np.ndarray, seed: int) -> Answer:
        """Lets nano hear a session ([T] at 24 kHz). The same seed gives the same talk as long as the sound is the same."""
        with tempfile.TemporaryDirectory(prefix="nano-") as folder:
            said, reply, transcript = (Path(folder) / name for name in ("said.wav", "reply.wav", "words.json"))
            soundfile.write(said, audio, RATE_HZ, subtype="PCM_16")
            self._run(
                "talk", said, "--output", reply, "--transcript", transcript, "--tail", "0", "--seed", str(seed),
                "--model", self.model, "--quality", self.quality,
            )  # fmt: skip
            own, _ = soundfile.read(reply, dtype="float32")
            words = json.loads(transcript.read_text())["words"]
        own = np.pad(own, (0, max(0, len(audio) - len(own))))[: len(audio)]
        return Answer(own, [Word(word["text"], word["start_seconds"]) for word in words])

    def coded(self, audio: np.ndarray) -> np.ndarray:
        """Speech ([T] at 24 kHz) through the codec and back."""
        with tempfile.TemporaryDirectory(prefix="nano-") as folder:
            said, codes, back = (Path(folder) / name for name in ("said.wav", "codes.safetensors", "back.wav"))
            soundfile.write(said, audio, RATE_HZ, subtype="PCM_16")
            self._run("encode", said, codes, "--model", self.model)
            self._run("decode", codes, back, "--model", self.model)
            heard, _ = soundfile.read(back, dtype="float32")
        return np.pad(heard, (0, max(0, len(audio) - len(heard))))[: len(audio)]

    def _run(self, *arguments: str | Path) -> None:
        # From a folder of its own: the program takes a folder called `nano` where it runs for the model of that name.
        with tempfile.TemporaryDirectory(prefix="nano-") as folder:
            command = [self.binary, *arguments, "--quiet"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode != 0:
            raise RuntimeError(f"moshibar {arguments[0]} failed ({done.returncode}): {done.stderr[-1000:]}")


def talker(binary: Path, model: str, quality: str) -> Talk:
    """Whoever talks in this quality: the program, or for `f32` the PyTorch modules that the files were exported from.

    `f32` needs PyTorch and a function `talker(model) -> Talk` in `nano.evaluation.reference`.
    """
    if quality == "f32":
        from nano.evaluation import reference  # PyTorch is not among the evaluation's requirements

        return reference.talker(model)
    return Program(binary, model, quality).talk
