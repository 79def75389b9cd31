"""Calling the `moshibar` program on files."""

import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sphn
from golden.files import read_golden, write_golden

RATE_HZ = 24000


def write_wav(path: Path, pcm: np.ndarray) -> None:
    """16 bits: exact for samples on that grid, which is what golden.mimi.signal makes."""
    samples = np.round(pcm * 32768).astype("<i2")
    assert np.array_equal(samples.astype(np.float32) / 32768, pcm)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())


def read_wav(path: Path) -> np.ndarray:
    samples, rate = sphn.read(str(path))
    assert rate == RATE_HZ, f"{path}: {rate} Hz"
    return samples[0]


@dataclass
class Program:
    binary: Path

    def _run(self, *arguments) -> None:
        done = subprocess.run([str(self.binary), *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"moshibar {arguments[0]} failed ({done.returncode}):\n{done.stderr[-2000:]}")

    def generate(self, model: Path, user_codes: np.ndarray, scratch: Path) -> tuple[np.ndarray, np.ndarray]:
        """(text [frames], audio [dep_q, frames]), greedy; -1 where there was no output."""
        write_golden(scratch, {"codes": user_codes.astype(np.uint32)}, "user_codes.safetensors")
        self._run("generate", scratch / "user_codes.safetensors", scratch / "generated.safetensors", "--model", model, "--greedy")
        found = read_golden(scratch, "generated.safetensors")
        return found["text"], found["audio"]

    def encode(self, model: Path, pcm: np.ndarray, scratch: Path) -> np.ndarray:
        write_wav(scratch / "speech.wav", pcm)
        self._run("encode", scratch / "speech.wav", scratch / "codes.safetensors", "--model", model)
        return read_golden(scratch, "codes.safetensors")["codes"]

    def decode(self, model: Path, codes: np.ndarray, scratch: Path) -> np.ndarray:
        write_golden(scratch, {"codes": codes.astype(np.uint32)}, "spoken.safetensors")
        self._run("decode", scratch / "spoken.safetensors", scratch / "decoded.wav", "--model", model, "--float")
        return read_wav(scratch / "decoded.wav")
