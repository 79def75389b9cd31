"""Teaches the decoder nano's own voice, with encoder and codebooks left as they are so that every code keeps its meaning.

Most of what it hears is exactly what the language model is trained to emit: silence, a sentence, silence, and sentences cut
off in the middle. The rest is users' speech, so that it does not forget how others sound.
"""

import math
import time
from pathlib import Path

import numpy as np
import torch

from .acoustics import Acoustics
from .architecture import FRAME_SAMPLES
from .clips import load_clips
from .codec import Decode, load_codec
from .codec_training import crops
from .device import prepare
from .losses import Discriminator, SpectralLoss, feature_loss, fooling_loss, judge_loss
from .progress import Log
from .reply_codes import load_pieces, reply_codes, steady_silence
from .schedule import adam, arguments_of, descend, set_rate
from .scenes import heard, place

FRAMES = 24
LEAD = 4  # frames that only give the decoder its context: not judged
FADE_SAMPLES = 480  # 20 ms: a sentence cut off ends so


def main(arguments: list[str]) -> None:
    parser = arguments_of("decoder", __doc__, "corpus", "replies", "tokenizer")
    parser.add_argument("--codec", type=Path, default=Path("work/codec.pt"))
    parser.add_argument("--out", type=Path, default=Path("work/codec_tuned.pt"))
    parser.add_argument("--steps", type=int, default=8_000)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--own", type=float, default=0.6, help="share of nano's own sentences")
    parser.add_argument("--graphs", action="store_true", help="CUDA graphs: more steps a second on a GPU")
    parser.add_argument("--adversarial", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    prepare()
    torch.manual_seed(options.seed)
    device = options.device
    random = np.random.default_rng(options.seed)
    acoustics = Acoustics(device, options.seed)
    clips = load_clips(options.corpus, options.replies, device)
    codec, config = load_codec(options.codec, device)
    silence = torch.as_tensor(steady_silence(codec, device), device=device)
    replies = reply_codes(codec, clips, load_pieces(options.tokenizer), device)
    longest = max(reply.codes.shape[1] for reply in replies)
    span = FRAMES + longest + FRAMES
    # One row per sentence: silence, the sentence, silence; and its sound.
    own_codes = silence[:, None].repeat(len(replies), 1, span)
    own_wave = torch.zeros(len(replies), span * FRAME_SAMPLES, device=device)
    for row, (reply, clip) in enumerate(zip(replies, clips.replies)):
        own_codes[row, :, FRAMES : FRAMES + reply.codes.shape[1]] = torch.as_tensor(reply.codes, device=device)
        own_wave[row, FRAMES * FRAME_SAMPLES :][: clips.samples[clip]] = clips.audio[clip, : clips.samples[clip]].float()
    lengths = np.array([reply.codes.shape[1] for reply in replies])

    for parameter in codec.parameters():
        parameter.requires_grad_(False)
    trained = [p for name, p in codec.named_parameters() if name.startswith(("decoder", "upsample"))]
    for parameter in trained:
        parameter.requires_grad_(True)
    optimiser = adam(trained, (0.8, 0.99), 0, device)
    spectral = SpectralLoss().to(device)
    judge = Discriminator().to(device)
    judge_optimiser = adam(judge.parameters(), (0.5, 0.9), 0.01, device)
    decode = Decode(codec, FRAMES * FRAME_SAMPLES)
    if options.graphs:
        latent = torch.randn(options.batch, codec.dimension, FRAMES, device=device)
        decode = torch.cuda.make_graphed_callables(decode, (latent,))
    own_rows = round(options.batch * options.own)
    frame = torch.arange(FRAMES, device=device)
    fade = torch.linspace(1, 0, FADE_SAMPLES, device=device)

    def own_batch() -> tuple[torch.Tensor, torch.Tensor]:
        rows = random.integers(len(replies), size=own_rows)
        begins = np.array([random.integers(0, FRAMES + lengths[row]) for row in rows])
        codes = torch.stack([own_codes[row, :, begin : begin + FRAMES] for row, begin in zip(rows, begins)])
        wave = torch.stack(
            [own_wave[row, begin * FRAME_SAMPLES : (begin + FRAMES) * FRAME_SAMPLES] for row, begin in zip(rows, begins)]
        )
        for index in np.flatnonzero(random.random(own_rows) < 0.3):  # cut off: silence from here on
            cut = int(random.integers(LEAD, FRAMES))
            codes[index] = torch.where(frame < cut, codes[index], silence[:, None])
            sample = cut * FRAME_SAMPLES
            wave[index, sample : sample + FADE_SAMPLES] *= fade[: wave.shape[1] - sample]
            wave[index, sample + FADE_SAMPLES :] = 0
        return codes, wave

    def user_batch() -> tuple[torch.Tensor, torch.Tensor]:
        size = options.batch - own_rows
        drawn = crops(clips, clips.training, size, random, FRAMES)
        samples = FRAMES * FRAME_SAMPLES
        target = place(clips, drawn.speech, size, samples, device)
        users = torch.as_tensor(drawn.kind == 0, device=device)[:, None]
        target = torch.where(users, acoustics.other_throats(target), target)
        noise = 10 ** acoustics.uniform(-4.5, -2.2, size) * acoustics.chance(0.8, size)
        noisy = heard(acoustics, target + place(clips, drawn.sounds, size, samples, device), noise, None)
        clean = torch.as_tensor((drawn.kind == 1) | (random.random(size) < 0.4), device=device)
        microphone = torch.where(clean[:, None], target, noisy)
        with torch.no_grad():
            return codec.encode(microphone[:, None]), target

    log = Log("decoder", options.steps, 0)
    began, step = time.monotonic(), 0
    while True:
        seconds = time.monotonic() - began
        progress = max(step / options.steps, seconds / options.seconds)
        if progress >= 1:
            break
        set_rate(optimiser, 1e-3, step, 100, progress)
        codes, wave = (torch.cat(pair) for pair in zip(own_batch(), user_batch()))
        with torch.no_grad():
            latent = codec.quantizer.decode(codes)
        made = decode(latent)[:, LEAD * FRAME_SAMPLES :]
        real = wave[:, LEAD * FRAME_SAMPLES :]
        close, apart = spectral(made, real), (made - real).abs().mean()
        total = close + 8 * apart
        losses = {"spectral": close, "waveform": apart}
        if options.adversarial:
            real_scores, real_features = judge(real)
            judged = judge_loss(real_scores, judge(made.detach())[0])
            set_rate(judge_optimiser, 3e-4, 1, 1, 0)
            descend(judge_optimiser, judged, list(judge.parameters()), 100.0)
            made_scores, made_features = judge(made)
            fooling = fooling_loss(made_scores)
            features = feature_loss([feature.detach() for feature in real_features], made_features)
            total = total + 0.1 * fooling + 0.3 * features
            losses |= {"judge": judged, "fooling": fooling, "features": features}
        descend(optimiser, total, trained, 2.0)
        step += 1
        log.add({name: value.detach() for name, value in losses.items()})
    log.say(f"done: {step} steps, {seconds:.0f} s")
    torch.save({"config": config, "codec": codec.state_dict(), "step": step, "seconds": seconds}, options.out)
