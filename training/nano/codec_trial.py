"""Tries a codec alone on speakers it was not trained on: do words survive? Figures to choose between runs by.

Two steps, because the device that trains may lack a recogniser: `--coded FILE` writes what the codec makes of the clips,
`--judge FILE` lets the recogniser hear that and the originals.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile
import torch

from .architecture import FRAME_SAMPLES, SAMPLE_RATE
from .clips import LONGEST_SAMPLES, UNKNOWN, Clips, load_clips
from .codec import load_codec
from .phrases import PHRASES

SAMPLES = -(-LONGEST_SAMPLES // FRAME_SAMPLES) * FRAME_SAMPLES + 4 * FRAME_SAMPLES
LEAD = 2 * FRAME_SAMPLES


def chosen(clips: Clips, count: int) -> np.ndarray:
    """The same clips each time."""
    known = clips.validation[clips.phrase[clips.validation] < UNKNOWN]
    return np.random.default_rng(5).permutation(known)[:count]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m nano codec-try", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("work/corpus"))
    parser.add_argument("--replies", type=Path, default=Path("work/replies"))
    parser.add_argument("--codec", type=Path, default=Path("work/codec.pt"))
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--coded", type=Path)
    parser.add_argument("--judge", type=Path, nargs="+", default=[])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    clips = load_clips(options.corpus, options.replies, options.device)
    rows = chosen(clips, options.clips)
    wave = torch.zeros(len(rows), 1, SAMPLES, device=options.device)
    wave[:, 0, LEAD : LEAD + LONGEST_SAMPLES] = clips.audio[torch.as_tensor(rows, device=options.device)].float()
    if options.coded:
        codec, _ = load_codec(options.codec, options.device)
        with torch.no_grad():
            coded = torch.cat([codec.decode(codec.encode(part)) for part in wave.split(16)])
        soundfile.write(options.coded, np.clip(coded.cpu().numpy().reshape(-1), -1, 1), SAMPLE_RATE)
    if options.judge:
        from .recogniser import Recogniser

        recogniser = Recogniser([phrase.says for phrase in PHRASES])
        asked = [PHRASES[number].says.lower() for number in clips.phrase[rows]]
        originals = [recogniser.hear(part) == words for part, words in zip(wave[:, 0].cpu().numpy(), asked)]
        print(f"originals: {np.mean(originals):.3f} of {len(rows)}")
        for path in options.judge:
            coded = soundfile.read(path, dtype="float32")[0].reshape(len(rows), -1)
            right = [recogniser.hear(part) == words for part, words in zip(coded, asked)]
            both = np.array(right) & np.array(originals)
            print(f"{path}: {np.mean(right):.3f}, {np.mean(right) / np.mean(originals):.3f} of the originals' rate; {both.sum() / sum(originals):.3f} survive")
