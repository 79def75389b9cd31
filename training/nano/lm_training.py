"""Trains the language model: talks rendered to sound, coded by the finished codec, continued by the model."""

import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .acoustics import Acoustics
from .architecture import CODEBOOKS, FRAME_SAMPLES, TEXT_PAD, lm_config
from .clips import Clips, load_clips
from .codec import load_codec
from .device import prepare
from .dialogues import Planner, gather
from .parallel import Agreed, join, leave
from .progress import Log
from .reply_codes import load_pieces, reply_codes, steady_silence
from .schedule import adam, arguments_of, descend, set_rate
from .scenes import Spoken, heard, place

FRAMES = 176  # 14 s: the window of 100 frames slides


class Talks(IterableDataset):
    """Batches of plans, drawn beside the training."""

    def __init__(self, planner_arguments: tuple, batch: int, frames: int, seed: int):
        self.planner_arguments, self.batch, self.frames, self.seed = planner_arguments, batch, frames, seed

    def __iter__(self):
        worker = get_worker_info()
        planner = Planner(*self.planner_arguments, self.seed + (worker.id + 1 if worker else 0))
        while True:
            yield gather([planner.plan(self.frames) for _ in range(self.batch)])


class TalkSound:
    """Renders plans to what the microphone hears and codes it."""

    def __init__(self, clips: Clips, codec: torch.nn.Module, device: str, seed: int):
        self.clips, self.codec, self.device = clips, codec, device
        self.acoustics = Acoustics(device, seed)
        self.generator = np.random.default_rng(seed)

    @torch.no_grad()
    def microphone(self, tokens: dict, said: Spoken, noises: Spoken, own: list[tuple[int, int, int, int]]) -> torch.Tensor:
        """[batch, samples]."""
        batch, frames = tokens["text"].shape
        samples = frames * FRAME_SAMPLES
        dry = self.acoustics.other_throats(place(self.clips, said, batch, samples, self.device))
        dry = dry + place(self.clips, noises, batch, samples, self.device)
        echo = self._echo(batch, samples, own)
        acoustics = self.acoustics
        quiet = 10 ** acoustics.uniform(-4.5, -2.0, batch) * acoustics.chance(0.85, batch)
        loud = 10 ** acoustics.uniform(-4.0, -0.9, batch) * acoustics.chance(0.9, batch)
        level = torch.where(torch.as_tensor(tokens["loud"], device=self.device), loud, quiet)
        crowd = self.clips.audio[torch.as_tensor(self.generator.choice(self.clips.training, 512), device=self.device)]
        return heard(acoustics, dry, level, crowd, echo)

    def _echo(self, batch: int, samples: int, own: list[tuple[int, int, int, int]]) -> torch.Tensor | None:
        """nano's voice as the microphone may hear it, by way of the room: nothing in three talks of ten, else at -46 to -8 dB."""
        leaks = self.generator.random(batch) < 0.7
        gain = 10 ** self.generator.uniform(-2.3, -0.4, batch)
        late = self.generator.integers(0, 5 * FRAME_SAMPLES, batch)
        events = [event for event in own if leaks[event[0]]]
        if not events:
            return None
        row, reply, start, limit = (np.array(column, np.int64) for column in zip(*events))
        spoken = Spoken(row, self.clips.replies[reply], start + late[row], gain[row], np.ones(len(row)), limit)
        return self.acoustics.in_rooms(place(self.clips, spoken, batch, samples, self.device))

    @torch.no_grad()
    def codes(self, wave: torch.Tensor) -> torch.Tensor:
        """[batch, CODEBOOKS, frames]."""
        return torch.cat([self.codec.encode(part[:, None]) for part in wave.split(16)])


def corrupted(codes: torch.Tensor, share: float, bins: int, generator: torch.Generator) -> torch.Tensor:
    """Some codes replaced by others: what the model said wrongly, or heard wrongly, must not lead it astray."""
    wrong = torch.rand(codes.shape, generator=generator, device=codes.device) < share
    other = torch.randint(0, bins, codes.shape, generator=generator, device=codes.device)
    return torch.where(wrong, other, codes)


def losses(model: torch.nn.Module, text: torch.Tensor, own: torch.Tensor, user: torch.Tensor, speaking: torch.Tensor, given_own: torch.Tensor) -> dict[str, torch.Tensor]:
    """`text`: [batch, T]; `own`, `user`, `given_own` (what is read instead of `own`): [batch, CODEBOOKS, T]; `speaking`: [batch, T]."""
    output = model(torch.cat([text[:, None], given_own, user], 1))
    text_loss = F.cross_entropy(output.text_logits[:, 0].transpose(1, 2), text, reduction="none")
    weight = torch.where(text == TEXT_PAD, 0.5, 2.5)
    audio_loss = F.cross_entropy(torch.nan_to_num(output.logits).flatten(0, 2), own.flatten(), reduction="none").view_as(own)
    # Silence is most of a talk and easily learnt; codebook 0 decides what follows.
    near = speaking | torch.roll(speaking, 1, 1) | torch.roll(speaking, -1, 1)
    by_book = torch.tensor([3.0] + [1.0] * (CODEBOOKS - 1), device=own.device)
    audio_weight = torch.where(near, 1.0, 0.15)[:, None] * output.mask[:, :CODEBOOKS] * by_book[None, :, None]
    with torch.no_grad():
        words = text != TEXT_PAD
        guessed = output.text_logits[:, 0].argmax(-1)
        word_right = (guessed == text)[words].float().mean()
        pad_wrong = (guessed != text)[~words].float().mean()
    return {
        "text": (text_loss * weight).sum() / weight.sum(),
        "audio": (audio_loss * audio_weight).sum() / audio_weight.sum(),
        "words right": word_right,
        "pads wrong": pad_wrong,
    }


def main(arguments: list[str]) -> None:
    from moshi.models.lm import LMModel

    parser = arguments_of("lm", __doc__, "corpus", "replies", "tokenizer", "codec")
    parser.add_argument("--out", type=Path, default=Path("work/lm.pt"), help="checkpoint; training goes on from it")
    parser.add_argument("--steps", type=int, default=6_000)
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so long, the learning rate planned for it")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--lm-layers", type=int, default=4)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--corrupt", type=float, default=0.01, help="share of codes replaced by others")
    parser.add_argument("--warm", type=Path, help="begin with this checkpoint's weights")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    prepare()
    torch.manual_seed(options.seed)
    device, number = join(options.device)
    draws_from = options.seed + 1_000_003 * number
    clips = load_clips(options.corpus, options.replies, device)
    codec, codec_config = load_codec(options.codec, device)
    pieces = load_pieces(options.tokenizer)
    silence = steady_silence(codec, device)
    replies = reply_codes(codec, clips, pieces, device)
    bins = codec_config["quantizer"]["bins"]
    config = lm_config(pieces.vocab_size(), bins, options.lm_layers)
    model = LMModel(dtype=torch.float32, device=device, **config).train()
    optimiser = adam(model.parameters(), (0.9, 0.98), 0.02, device)
    step, before = 0, 0.0
    if options.warm:
        model.load_state_dict(torch.load(options.warm, map_location=device)["lm"])
    if options.out.exists():
        saved = torch.load(options.out, map_location=device)
        model.load_state_dict(saved["lm"])
        optimiser.load_state_dict(saved["optimiser"])
        step, before = saved["step"], saved["seconds"]

    def state() -> dict:
        return {"config": config, "lm": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "seconds": seconds}

    # Workers get the clips' lengths only: the sound stays with the device.
    lengths = Clips(None, clips.samples, clips.phrase, None, None, clips.training, clips.validation, clips.bursts, clips.replies)
    talks = Talks((lengths, clips.training, replies, silence), options.batch, options.frames, 1000 * draws_from + step)
    loader = DataLoader(talks, batch_size=None, num_workers=options.workers, prefetch_factor=4 if options.workers else None)
    sound = TalkSound(clips, codec, device, draws_from + step)
    draws = torch.Generator(device=device).manual_seed(draws_from + step)
    log = Log("language model", options.steps, step, every=250 if device != "cpu" else 25, silent=number > 0)
    began, agreed = time.monotonic() - before, Agreed(device)
    for tokens, said, noises, own_events in loader:
        seconds = time.monotonic() - began
        progress = agreed.at(step, max(step / options.steps, seconds / options.seconds))
        if progress >= 1:
            break
        set_rate(optimiser, options.rate, step, 150, progress)
        user = sound.codes(sound.microphone(tokens, said, noises, own_events))
        text, own, speaking = (torch.as_tensor(tokens[name], device=device) for name in ("text", "own", "speaking"))
        user, given = corrupted(user, options.corrupt, bins, draws), corrupted(own, 0.01, bins, draws)
        result = losses(model, text, own, user, speaking, given)
        descend(optimiser, result["text"] + result["audio"], list(model.parameters()), 1.0)
        step += 1
        log.add({name: value.detach() for name, value in result.items()})
        if number == 0 and step % (1000 if device != "cpu" else 100) == 0:
            torch.save(state(), options.out)
    leave()
    if number == 0:
        log.say(f"done: {step} steps, {seconds:.0f} s")
        torch.save(state(), options.out)
