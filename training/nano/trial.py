"""Tries the models on speakers they were not trained on, before anything is exported: figures to choose between runs by.

The product is judged by `make eval-nano`, on other speakers; nothing here is a result.
"""

import json
import math
from pathlib import Path

import numpy as np
import soundfile
import torch

from .acoustics import Acoustics
from .architecture import FRAME_SAMPLES, SAMPLE_RATE
from .clips import UNKNOWN, load_clips
from .codec import load_codec
from .device import prepare
from .phrases import PHRASES, UNKNOWN_REPLIES
from .reply_codes import load_pieces, reply_codes, steady_silence
from .schedule import arguments_of
from .scenes import Spoken, heard, place, spoken_samples
from .streaming import Sampling, quantised_as, speak, talk

ONSET = 48  # frame in which the phrase begins: the greeting is over
LISTEN = 34  # frames after the phrase's end


def main(arguments: list[str]) -> None:
    from moshi.models.lm import LMModel

    parser = arguments_of("try", __doc__, "corpus", "replies", "tokenizer", "codec")
    parser.add_argument("--lm", type=Path, default=Path("work/lm.pt"))
    parser.add_argument("--clips", type=int, default=384)
    parser.add_argument("--bits", type=int, default=0, help="8 or 4: rounded as MLX will")
    parser.add_argument("--temp", type=float, default=0.6)
    parser.add_argument("--temp-text", type=float, default=0.4)
    parser.add_argument("--sounds", type=Path, help="folder for answers to listen to (32 of them)")
    options = parser.parse_args(arguments)

    prepare()
    torch.manual_seed(3)
    device, random = options.device, np.random.default_rng(3)
    clips = load_clips(options.corpus, options.replies, device)
    codec, _ = load_codec(options.codec, device)
    saved = torch.load(options.lm, map_location=device)
    model = LMModel(dtype=torch.float32, device=device, **saved["config"])
    model.load_state_dict(saved["lm"])
    model.eval()
    if options.bits:
        quantised_as(model, options.bits)
    pieces = load_pieces(options.tokenizer)
    silence = steady_silence(codec, device)
    sampling = Sampling(temp=options.temp, temp_text=options.temp_text)

    chosen = random.permutation(clips.validation)[: options.clips]
    ends, results = {}, {}
    frames = ONSET + 26 + LISTEN

    def words(tokens: torch.Tensor) -> str:
        return pieces.decode([int(token) for token in tokens if int(token) > 3])

    def scene(noise_db: tuple[float, float], second: np.ndarray | None = None, gap: np.ndarray | None = None):
        start = ONSET * FRAME_SAMPLES + random.integers(0, FRAME_SAMPLES, len(chosen))
        gain = 10 ** random.uniform(-0.5, 0, len(chosen))
        rows = np.arange(len(chosen))
        ends = np.array([-(-(s + spoken_samples(clips, c, 1.0)) // FRAME_SAMPLES) for s, c in zip(start, chosen)])
        said = Spoken(rows, chosen, start, gain, np.ones(len(chosen)))
        total = frames + (40 if second is not None else 0)
        dry = place(clips, said, len(chosen), total * FRAME_SAMPLES, device)
        if second is not None:
            dry = dry + place(clips, Spoken(rows, second, (ends + gap) * FRAME_SAMPLES, gain, np.ones(len(chosen))), len(chosen), total * FRAME_SAMPLES, device)
        acoustics = Acoustics(device, 5)
        level = 10 ** acoustics.uniform(*noise_db, len(chosen))
        waves = torch.cat([heard(acoustics, part, lvl, clips.audio[clips.training[:256]]) for part, lvl in zip(dry.split(64), level.split(64))])
        return torch.cat([codec.encode(part[:, None]) for part in waves.split(32)]), ends

    def right(phrase: int, answer: str) -> bool:
        return answer in ((*UNKNOWN_REPLIES, "") if phrase == UNKNOWN else PHRASES[phrase].replies)

    for name, noise in (("quiet", (-4.5, -3.5)), ("noisy", (-2.6, -2.0))):
        user, ends = scene(noise)
        text, codes = talk(model, user, sampling)
        answers = [words(row[ONSET:]) for row in text]
        phrases = clips.phrase[chosen]
        good = np.array([right(p, a) for p, a in zip(phrases, answers)])
        known = phrases != UNKNOWN
        results[f"{name}: known"] = float(good[known].mean())
        results[f"{name}: unknown"] = float(good[~known].mean())
        results[f"{name}: greeting"] = float(np.mean([words(row[:ONSET]) == "hello, I am nano" for row in text]))
        missed = [(PHRASES[p].says, a) for p, a, g in zip(phrases, answers, good) if not g and p != UNKNOWN]
        print(name, "missed:", missed[:16])
        if options.sounds and name == "quiet":
            options.sounds.mkdir(parents=True, exist_ok=True)
            waves = speak(codec, codes[:32], silence).cpu().numpy()
            said = []
            for row, wave in enumerate(waves):
                said.append(answers[row])
                soundfile.write(options.sounds / f"{row:02}.flac", np.clip(wave[ONSET * FRAME_SAMPLES :], -1, 1), SAMPLE_RATE)
            (options.sounds / "said.json").write_text(json.dumps(said))

    # Somebody talks over the answer.
    second = random.permutation(chosen)
    gap = random.integers(5, 20, len(chosen))
    user, ends = scene((-4.5, -3.0), second, gap)
    text, codes = talk(model, user, sampling)
    sound = speak(codec, codes, silence)
    level = sound.view(len(chosen), -1, FRAME_SAMPLES).square().mean(2).sqrt().cpu().numpy()
    onset = ends + gap
    heard_after = np.array([level[row, onset[row] + 7 : onset[row] + 9].max() for row in range(len(chosen))])
    results["interrupted: silent after 0.56 s"] = float((heard_after < 0.01).mean())
    answers = [words(text[row, onset[row] + 5 :]) for row in range(len(chosen))]
    known = clips.phrase[second] != UNKNOWN
    results["interrupted: second answered"] = float(np.mean([right(p, a) for p, a, k in zip(clips.phrase[second], answers, known) if k]))

    # Nobody speaks.
    minutes, rows = 0.0, 64
    acoustics = Acoustics(device, 11)
    false = 0
    for level in (0.0, 0.003, 0.02, 0.06):
        length = 40 * SAMPLE_RATE // FRAME_SAMPLES * FRAME_SAMPLES
        wave = acoustics.noise(rows, length, None).mul(level)
        user = torch.cat([codec.encode(part[:, None]) for part in wave.split(8)])
        text, codes = talk(model, user, sampling)
        some = sum(words(row[ONSET:]) != "" for row in text)
        loudest = speak(codec, codes[:8], silence)[:, ONSET * FRAME_SAMPLES :].square().mean(1).sqrt().max()
        print(f"noise {level}: {some} of {rows} talks of 40 s with an answer; loudest RMS {float(loudest):.5f}")
        false += some
        minutes += rows * 40 / 60
    results["false answers in 30 minutes"] = false / minutes * 30
    print(json.dumps(results, indent=1))
    assert math.isfinite(sum(results.values()))
