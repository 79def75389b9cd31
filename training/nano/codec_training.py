"""Trains the codec: encoder, codebooks and decoder together, from rooms and noise to clean speech.

The target is the dry clip: what is noise to a listener is coded as silence, so that the language model seldom meets it.
"""

import argparse
import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .acoustics import Acoustics
from .architecture import FRAME_SAMPLES, SAMPLE_RATE, mimi_config
from .clips import Clips, load_clips
from .codec import NOTHING_YET, SUBFRAMES, Decode, Encode, Listener, new_codec, quantised
from .device import prepare
from .losses import Discriminator, SpectralLoss, feature_loss, fooling_loss, judge_loss
from .parallel import Agreed, join, leave
from .progress import Log
from .schedule import adam, arguments_of, descend, set_rate
from .scenes import FASTEST, SLOWEST, Spoken, heard, place, spoken_samples

FRAMES = 26  # 2.08 s: the longest clip fits
SAMPLES = FRAMES * FRAME_SAMPLES
JUDGED_SAMPLES = SAMPLES // 4  # the discriminator sees a piece: it is the dearest part
UNLABELLED = -100


@dataclass
class Crops:
    """What a batch holds: speech to code, sounds to leave out, frame labels [batch, FRAMES], the clips of each row in order,
    and a kind per row: 0 users' speech, 1 one of nano's own sentences, 2 nothing but noise."""

    speech: Spoken
    sounds: Spoken
    labels: np.ndarray
    order: list[list[int]]
    kind: np.ndarray


def crops(clips: Clips, rows: np.ndarray, batch: int, generator: np.random.Generator, frames: int = FRAMES) -> Crops:
    """Draws a batch. Users' rows are filled with whole clips one after another: silence teaches little."""
    samples = frames * FRAME_SAMPLES
    kind = generator.choice(3, batch, p=[0.83, 0.12, 0.05])
    labels = np.full((batch, frames), NOTHING_YET)
    speech, sounds, order = [], [], [[] for _ in range(batch)]
    for row in range(batch):
        if kind[row] == 1:
            clip = generator.choice(clips.replies)
            start = int(generator.integers(-6, 10)) * FRAME_SAMPLES
            start += 0 if generator.random() < 0.7 else int(generator.integers(FRAME_SAMPLES))
            speech.append((row, clip, start, 1.0, 1.0))
            labels[row] = UNLABELLED
            continue
        if kind[row] == 0:
            speed, gain = generator.uniform(SLOWEST, FASTEST), 10 ** generator.uniform(-0.65, 0.05)
            start = int(generator.uniform(0, 0.4) * SAMPLE_RATE)
            while True:
                clip = generator.choice(rows)
                length = spoken_samples(clips, clip, speed)
                if start + length > samples:
                    break
                speech.append((row, clip, start, gain * 10 ** generator.uniform(-0.1, 0.1), speed))
                order[row].append(clip)
                onset, end = start // FRAME_SAMPLES, -(-(start + length) // FRAME_SAMPLES)
                labels[row, onset : onset + 1] = NOTHING_YET
                labels[row, end : end + 1] = UNLABELLED  # it may be known one frame early or late
                labels[row, end + 1 : end + 5] = clips.phrase[clip]
                labels[row, end + 5 :] = UNLABELLED
                start += length + int(generator.uniform(0.05, 0.45) * SAMPLE_RATE)
                after = start // FRAME_SAMPLES
                labels[row, after:] = NOTHING_YET
        if generator.random() < 0.12:
            clip = generator.choice(clips.bursts)
            sounds.append((row, clip, int(generator.integers(0, samples)), 10 ** generator.uniform(-1.2, 0), 1.0))
        if generator.random() < 0.04:  # nano's own voice, leaking back
            start = int(generator.integers(-samples // 2, samples // 2))
            sounds.append((row, generator.choice(clips.replies), start, 10 ** generator.uniform(-2.2, -0.8), 1.0))
    return Crops(_spoken(speech), _spoken(sounds), labels, order, kind)


def _spoken(events: list[tuple]) -> Spoken:
    row, clip, start, gain, speed = (np.array(column) for column in zip(*events)) if events else [np.zeros(0)] * 5
    return Spoken(row.astype(np.int64), clip.astype(np.int64), start.astype(np.int64), gain, speed)


class CodecTrainer:
    """Holds everything that a checkpoint must hold."""

    def __init__(self, clips: Clips, arguments: argparse.Namespace):
        self.clips, self.arguments, self.device = clips, arguments, arguments.device
        torch.manual_seed(arguments.seed)
        self.draw(arguments.seed)
        self.config = mimi_config(arguments.layers, arguments.filters, arguments.bins)
        self.codec = new_codec(self.config, self.device).train()
        phones = int(clips.phones.max())
        self.listeners = torch.nn.ModuleDict({"semantic": Listener(phones), "whole": Listener(phones)}).to(self.device)
        self.spectral = SpectralLoss().to(self.device)
        self.parameters = [*self.codec.parameters(), *self.listeners.parameters()]
        self.optimiser = adam(self.parameters, (0.8, 0.99), 1e-4, self.device)
        self.judge = Discriminator().to(self.device)
        self.judge_optimiser = adam(self.judge.parameters(), (0.5, 0.9), 0.01, self.device)
        self.step, self.seconds = 0, 0.0
        self.encode, self.decode, self.spectral_step = Encode(self.codec), Decode(self.codec, SAMPLES), self.spectral

    def state(self) -> dict:
        return {
            "config": self.config,
            "codec": self.codec.state_dict(),
            "listeners": self.listeners.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "judge": self.judge.state_dict(),
            "judge_optimiser": self.judge_optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }

    def restore(self, saved: dict) -> None:
        self.codec.load_state_dict(saved["codec"])
        self.forget_centroids()
        self.listeners.load_state_dict(saved["listeners"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.judge.load_state_dict(saved["judge"])
        self.judge_optimiser.load_state_dict(saved["judge_optimiser"])
        self.step, self.seconds = saved["step"], saved["seconds"]
        # Draws after a pause are other draws, not the first ones again.
        self.draw(self.arguments.seed + 1000 + self.step)

    def draw(self, seed: int) -> None:
        """Begins other draws; each process that trains has its own."""
        seed += 1_000_003 * self.arguments.number
        self.generator = np.random.default_rng(seed)
        self.acoustics = Acoustics(self.device, seed)

    def warm(self, saved: dict) -> None:
        """Takes the codec's weights only: another training begins from there."""
        self.codec.load_state_dict(saved["codec"])
        self.forget_centroids()

    def forget_centroids(self) -> None:
        """Codebooks cache their centroids; after loading, those are of the untrained ones."""
        for module in self.codec.modules():
            if hasattr(module, "embedding_sum"):
                module.register_buffer("_embedding", None, persistent=False)

    def batch(self, rows: np.ndarray, size: int) -> tuple[torch.Tensor, torch.Tensor, Crops]:
        """Microphone and target [batch, SAMPLES], and what is in them."""
        drawn = crops(self.clips, rows, size, self.generator)
        target = place(self.clips, drawn.speech, size, SAMPLES, self.device)
        users = torch.as_tensor(drawn.kind == 0, device=self.device)[:, None]
        target = torch.where(users, self.acoustics.other_throats(target), target)  # nano's own voice stays as it is
        beside = place(self.clips, drawn.sounds, size, SAMPLES, self.device)
        kind = torch.as_tensor(drawn.kind, device=self.device)
        loudness = 10 ** self.acoustics.uniform(-4.5, -2.0, size) * self.acoustics.chance(0.85, size)
        alone = 10 ** self.acoustics.uniform(-4.0, -1.0, size)
        crowd = self.clips.audio[torch.as_tensor(self.generator.choice(self.clips.training, 512), device=self.device)]
        noisy = heard(self.acoustics, target + beside, torch.where(kind == 2, alone, loudness), crowd)
        # A third comes as it is: a codec must first of all code clean speech well.
        clean = (kind == 1) | ((kind == 0) & (self.acoustics.chance(0.35, size) > 0))
        return torch.where(clean[:, None], target, noisy), target, drawn

    def initialise_codebooks(self) -> None:
        """k-means needs more vectors than there are codes, or centroids come twice."""
        with torch.no_grad():
            microphone, *_ = self.batch(self.clips.training, 96)
            quantised(self.codec, self.encode(microphone))

    def capture(self) -> None:
        """Turns encoder, decoder and spectral loss into CUDA graphs: at this size a step is all launches."""
        size = self.arguments.batch
        wave = torch.randn(size, SAMPLES, device=self.device) * 0.05
        latent = torch.randn(size, self.codec.dimension, FRAMES, device=self.device, requires_grad=True)
        made = wave.clone().requires_grad_()
        self.encode, self.decode, self.spectral_step = torch.cuda.make_graphed_callables(
            (Encode(self.codec), Decode(self.codec, SAMPLES), copy.deepcopy(self.spectral)), ((wave,), (latent,), (made, wave))
        )

    def train_step(self, progress: float) -> dict[str, torch.Tensor]:
        set_rate(self.optimiser, self.arguments.rate, self.step, 200, progress)
        quantizer = self.codec.quantizer
        for part in (quantizer.rvq_first, quantizer.rvq_rest):
            part.no_quantization_rate = 0.2 if progress < 0.4 else 0.0
        quantizer.train(progress < 0.85)  # codebooks stand still at the end, and the decoder settles on them

        microphone, target, drawn = self.batch(self.clips.training, self.arguments.batch)
        coded = quantised(self.codec, self.encode(microphone))
        made = self.decode(coded.whole)
        spectral, waveform = self.spectral_step(made, target), (made - target).abs().mean()
        losses = {"spectral": spectral, "waveform": waveform, "commitment": coded.commitment}
        total = spectral + 4 * waveform + 0.25 * coded.commitment
        for name, latent in (("semantic", coded.semantic), ("whole", coded.whole)):
            phones, phrases = self.hear(name, latent, drawn)
            total = total + self.arguments.phones * phones + 0.3 * phrases
            losses[f"{name} phones"], losses[f"{name} phrases"] = phones, phrases
        if self.arguments.adversarial and progress > 0.35:
            begin = int(self.generator.integers(SAMPLES - JUDGED_SAMPLES))
            real, fake = (wave[:, begin : begin + JUDGED_SAMPLES] for wave in (target, made))
            real_scores, real_features = self.judge(real)
            made_scores, _ = self.judge(fake.detach())
            judged = judge_loss(real_scores, made_scores)
            set_rate(self.judge_optimiser, 3e-4, 1, 1, 0)
            descend(self.judge_optimiser, judged, list(self.judge.parameters()), 100.0)
            made_scores, made_features = self.judge(fake)
            strength = min(1.0, (progress - 0.35) / 0.1)
            fooling, features = fooling_loss(made_scores), feature_loss(real_features, made_features)
            total = total + strength * (0.1 * fooling + 0.3 * features)
            losses |= {"judge": judged, "fooling": fooling, "features": features}
        descend(self.optimiser, total, self.parameters, 2.0)
        self.step += 1
        return {name: value.detach() for name, value in losses.items()}

    def hear(self, name: str, latent: torch.Tensor, drawn: Crops) -> tuple[torch.Tensor, torch.Tensor]:
        """Phone (CTC) and phrase losses of one listener. Lengths stay on the CPU, where CTC wants them."""
        phone_logits, phrase_logits = self.listeners[name](latent)
        asked = torch.as_tensor(drawn.labels.reshape(-1), device=self.device)
        phrases = F.cross_entropy(phrase_logits.flatten(0, 1), asked, ignore_index=UNLABELLED)
        rows = [row for row, clips in enumerate(drawn.order) if clips]
        counts = np.array([sum(self.clips.phone_counts[clip] for clip in drawn.order[row]) for row in rows])
        clip = np.concatenate([drawn.order[row] for row in rows])
        phones = self.clips.phones[torch.as_tensor(clip, device=self.device)]
        # All rows' phones one after another, without the padding: CTC takes them so. Which are padding is known without waiting.
        real = np.arange(phones.shape[1]) < self.clips.phone_counts[clip][:, None]
        targets = phones.flatten()[torch.as_tensor(np.flatnonzero(real), device=self.device)]
        log_odds = F.log_softmax(phone_logits[torch.as_tensor(rows, device=self.device)].float(), -1).transpose(0, 1)
        lengths = torch.full((len(rows),), FRAMES * SUBFRAMES)
        each = F.ctc_loss(log_odds, targets, lengths, torch.as_tensor(counts), reduction="none", zero_infinity=True)
        return (each / torch.as_tensor(counts, device=self.device)).mean(), phrases

    @torch.no_grad()
    def validate(self, batches: int = 8) -> float:
        """The share of unheard speakers' phrases that the listener tells from all codes."""
        self.codec.eval()
        right = total = 0
        for _ in range(batches):
            microphone, _, drawn = self.batch(self.clips.validation, self.arguments.batch)
            _, logits = self.listeners["whole"](quantised(self.codec, Encode(self.codec)(microphone)).whole)
            labels = torch.as_tensor(drawn.labels, device=self.device)
            asked = (labels != UNLABELLED) & (labels != NOTHING_YET)
            right += int((logits.argmax(-1) == labels)[asked].sum())
            total += int(asked.sum())
        self.codec.train()
        return right / max(1, total)


def main(arguments: list[str]) -> None:
    parser = arguments_of("codec", __doc__, "corpus", "replies")
    parser.add_argument("--out", type=Path, default=Path("work/codec.pt"), help="checkpoint; training goes on from it")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so long, the learning rate planned for it")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--bins", type=int, default=256)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--phones", type=float, default=0.15, help="weight of the phone loss")
    parser.add_argument("--adversarial", action="store_true")
    parser.add_argument("--warm", type=Path, help="begin with this checkpoint's weights")
    parser.add_argument("--graphs", action="store_true", help="CUDA graphs: more steps a second on a GPU")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    prepare()
    options.device, options.number = join(options.device)
    first = options.number == 0
    trainer = CodecTrainer(load_clips(options.corpus, options.replies, options.device), options)
    if options.out.exists():
        trainer.restore(torch.load(options.out, map_location=options.device))
    elif options.warm:
        trainer.warm(torch.load(options.warm, map_location=options.device))
    else:
        trainer.initialise_codebooks()
    if options.graphs:
        trainer.capture()
    log = Log("codec", options.steps, trainer.step, silent=not first)
    began, agreed = time.monotonic() - trainer.seconds, Agreed(options.device)
    while True:
        trainer.seconds = time.monotonic() - began
        progress = agreed.at(trainer.step, max(trainer.step / options.steps, trainer.seconds / options.seconds))
        if progress >= 1:
            break
        log.add(trainer.train_step(progress))
        if first and trainer.step % 1000 == 0:
            log.say(f"validation {trainer.validate():.3f}")
            torch.save(trainer.state(), options.out)
    leave()
    if not first:
        return
    log.say(f"validation {trainer.validate(24):.3f} after {trainer.step} steps, {trainer.seconds:.0f} s")
    torch.save(trainer.state(), options.out)
    options.out.with_suffix(".json").write_text(json.dumps({"steps": trainer.step, "seconds": trainer.seconds}))
