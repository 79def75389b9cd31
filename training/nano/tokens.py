"""The corpus as codes, and talks put together from codes: what a CPU can train a language model on.

Rendering and coding whole talks (`lm_training`) wants a GPU. Here each clip is coded once, in a room and noise of its own, and
talks are assembled from such pieces: a coarser picture (no speech over nano's echo), at a hundredth of the cost.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .acoustics import Acoustics
from .architecture import FRAME_SAMPLES
from .clips import Clips, load_clips
from .codec import load_codec
from .device import prepare
from .dialogues import Plan, Planner, Reply
from .schedule import arguments_of
from .scenes import FASTEST, SLOWEST, Spoken, heard, place

LEAD, KEPT_LEAD, TAIL = 8, 2, 7  # frames before a clip that are coded, that are kept, and frames kept after it


@dataclass
class Pieces:
    """Coded clips. `codes[i]`: [CODEBOOKS, frames], the clip's first frame at KEPT_LEAD; `offset[i]`, `samples[i]`: where in that
    frame it begins and how long it is; `phrase[i]`, `training[i]`; `backgrounds`, `echoes[reply]`: lists of [CODEBOOKS, frames]."""

    codes: list[np.ndarray]
    offset: np.ndarray
    samples: np.ndarray
    phrase: np.ndarray
    training: np.ndarray
    backgrounds: list[np.ndarray]
    echoes: list[list[np.ndarray]]

    def clips(self) -> Clips:
        """For the planner: pieces as clips."""
        every = np.arange(len(self.codes))
        return Clips(None, self.samples, self.phrase, None, None, every[self.training], every[~self.training], every[:1], None)


class TokenTalks:
    """Draws talks as token arrays."""

    def __init__(self, pieces: Pieces, replies: list[Reply], silence: np.ndarray, seed: int, validation: bool = False):
        self.pieces, clips = pieces, pieces.clips()
        rows = clips.validation if validation else clips.training
        self.planner = Planner(clips, rows, replies, silence, seed, pieces.offset)
        self.random = np.random.default_rng(seed)

    def batch(self, size: int, frames: int) -> dict[str, torch.Tensor]:
        """`text`, `speaking`: [size, frames]; `own`, `user`: [size, CODEBOOKS, frames]."""
        plans = [self.planner.plan(frames) for _ in range(size)]
        return {
            "text": torch.as_tensor(np.stack([plan.text for plan in plans])),
            "own": torch.as_tensor(np.stack([plan.own for plan in plans])),
            "speaking": torch.as_tensor(np.stack([plan.speaking for plan in plans])),
            "user": torch.as_tensor(np.stack([self._user(plan) for plan in plans])),
        }

    def _user(self, plan: Plan) -> np.ndarray:
        frames, random = plan.text.shape[0], self.random
        sound = self.pieces.backgrounds[random.integers(len(self.pieces.backgrounds))]
        begin = random.integers(sound.shape[1] - frames)
        user = sound[:, begin : begin + frames].astype(np.int64)
        if random.random() < 0.5:
            late = int(random.integers(1, 4))
            for reply, start, samples in plan.spoken:
                echo = self.pieces.echoes[reply][random.integers(len(self.pieces.echoes[reply]))]
                _put(user, echo[:, : -(-samples // FRAME_SAMPLES) + 1], start // FRAME_SAMPLES + late)
        for piece, start, *_ in plan.said:
            _put(user, self.pieces.codes[piece], start // FRAME_SAMPLES - KEPT_LEAD)
        return user


def _put(line: np.ndarray, codes: np.ndarray, at: int) -> None:
    first, last = max(0, at), min(line.shape[1], at + codes.shape[1])
    if first < last:
        line[:, first:last] = codes[:, first - at : last - at]


def main(arguments: list[str]) -> None:
    parser = arguments_of("tokens", __doc__, "corpus", "replies", "codec")
    parser.add_argument("--out", type=Path, default=Path("work/tokens.pt"))
    parser.add_argument("--part", default="0/1", help="I/N: only every Nth clip from I, to code on several cores")
    options = parser.parse_args(arguments)
    prepare()
    part, parts = map(int, options.part.split("/"))
    device, random = options.device, np.random.default_rng(20 + part)
    acoustics = Acoustics(device, 20 + part)
    clips = load_clips(options.corpus, options.replies, device)
    codec, _ = load_codec(options.codec, device)
    crowd = clips.audio[clips.training[:: max(1, len(clips.training) // 512)]]

    def code(dry: torch.Tensor, clean: np.ndarray) -> np.ndarray:
        level = 10 ** acoustics.uniform(-4.5, -2.0, len(dry)) * acoustics.chance(0.85, len(dry))
        noisy = heard(acoustics, dry, level, crowd)
        with torch.no_grad():
            return codec.encode(torch.where(torch.as_tensor(clean, device=device)[:, None], dry, noisy)[:, None]).cpu().numpy().astype(np.int16)

    chosen = np.concatenate([clips.training, clips.validation])[part::parts]
    chosen = chosen[np.argsort(clips.samples[chosen])]
    is_training = np.isin(chosen, clips.training)
    codes, offset, samples = [], [], []
    for begin in tqdm(range(0, len(chosen), 24), desc="clips", unit="batch"):
        rows = chosen[begin : begin + 24]
        speed = random.uniform(SLOWEST, FASTEST, len(rows))
        within = random.integers(0, FRAME_SAMPLES, len(rows))
        length = (clips.samples[rows] / speed).astype(int)
        last = -(-(within + length) // FRAME_SAMPLES)
        frames = LEAD + int(last.max()) + TAIL
        gain = 10 ** random.uniform(-0.65, 0.05, len(rows))
        spoken = Spoken(np.arange(len(rows)), rows, LEAD * FRAME_SAMPLES + within, gain, speed)
        dry = acoustics.other_throats(place(clips, spoken, len(rows), frames * FRAME_SAMPLES, device))
        coded = code(dry, random.random(len(rows)) < 0.35)
        codes += [row[:, LEAD - KEPT_LEAD : LEAD + end + TAIL].copy() for row, end in zip(coded, last)]
        offset += within.tolist()
        samples += length.tolist()

    frames = 400
    backgrounds = []
    for _ in tqdm(range(12), desc="noise", unit="batch"):
        level = 10 ** acoustics.uniform(-4.5, -1.2, 4) * acoustics.chance(0.8, 4)
        with torch.no_grad():
            wave = acoustics.noise(4, frames * FRAME_SAMPLES, crowd) * level[:, None]
            backgrounds += list(codec.encode(wave[:, None]).cpu().numpy().astype(np.int16)[:, :, 30:])
    echoes = []
    for row in tqdm(clips.replies, desc="echoes", unit="sentence"):
        length = -(-int(clips.samples[row]) // FRAME_SAMPLES)
        spoken = Spoken(np.arange(3), np.repeat(row, 3), LEAD * FRAME_SAMPLES + random.integers(0, FRAME_SAMPLES, 3), 10 ** random.uniform(-2.2, -0.7, 3), np.ones(3))
        coded = code(place(clips, spoken, 3, (LEAD + length + TAIL) * FRAME_SAMPLES, device), np.zeros(3, bool))
        echoes.append([line[:, LEAD:].copy() for line in coded])
    torch.save(
        {"codes": codes, "offset": np.array(offset), "samples": np.array(samples), "phrase": clips.phrase[chosen], "training": is_training, "backgrounds": backgrounds, "echoes": echoes},
        options.out,
    )
    print(f"{len(codes)} clips: {options.out}")


def load_pieces_of_talk(paths: list[Path]) -> Pieces:
    """The parts that `main` wrote, as one."""
    parts = [torch.load(path, weights_only=False) for path in paths]
    return Pieces(
        codes=[codes for part in parts for codes in part["codes"]],
        offset=np.concatenate([part["offset"] for part in parts]),
        samples=np.concatenate([part["samples"] for part in parts]),
        phrase=np.concatenate([part["phrase"] for part in parts]),
        training=np.concatenate([part["training"] for part in parts]),
        backgrounds=[line for part in parts for line in part["backgrounds"]],
        echoes=[sum((part["echoes"][reply] for part in parts), []) for reply in range(len(parts[0]["echoes"]))],
    )
