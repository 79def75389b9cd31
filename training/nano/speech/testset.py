"""The test set: known phrases and reserved unknown words in voices that training never hears.

`python -m nano testset` writes training/testset/: one Ogg Opus file per voice and testset.json, an object per clip
(phrase: index in PHRASES or -1, text, family, synth, voice, rate, pitch, file, start, samples at 24 kHz). The set is
committed and was made before training; making it again needs the same versions of the synthesisers.

A person's recordings come on top where Debian's asterisk-core-sounds-en-wav is installed; they are not committed.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from nano.phrases import DIGITS, PHRASES
from nano.speech.families import SYNTHESISERS
from nano.speech.pack import write_opus
from nano.speech.synthesisers import RATE_HZ, TRAINING, Utterance, peak_normalised, trimmed
from nano.speech.voices import TEST_VOICES
from nano.speech.words import RESERVED

FOLDER = TRAINING / "testset"
UNKNOWN_PER_VOICE = 15
BITS_PER_SECOND = 44_000
ASTERISK = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
# What each says: core-sounds-en.txt of the package.
ASTERISK_FILES = {word: f"digits/{number}.wav" for number, word in enumerate(DIGITS)} | {
    "hello": "hello.wav", "no": "vm-no.wav", "goodbye": "vm-goodbye.wav", "thank you": "auth-thankyou.wav",
    "today": "digits/today.wav", "tomorrow": "digits/tomorrow.wav", "minutes": "minutes.wav", "location": "location.wav",
    "activated": "activated.wav", "cancelled": "cancelled.wav", "hours": "hours.wav", "telephone number": "telephone-number.wav",
}  # fmt: skip


@dataclass(frozen=True)
class TestClip:
    """One clip of the test set. `phrase`: index in PHRASES, -1 for unknown; `audio`: [T] at 24 kHz, peak 0.5."""

    phrase: int
    text: str
    family: str
    voice: str
    audio: np.ndarray

    __test__ = False  # Not a test, whatever its name looks like to a test runner.


def load() -> list[TestClip]:
    """The committed test set."""
    files: dict[str, np.ndarray] = {}
    clips = []
    for entry in json.loads((FOLDER / "testset.json").read_text()):
        name = entry["file"]
        if name not in files:
            files[name], _ = soundfile.read(FOLDER / name, dtype="float32")
        audio = files[name][entry["start"] : entry["start"] + entry["samples"]]
        clips.append(TestClip(entry["phrase"], entry["text"], entry["family"], entry["voice"], audio))
    return clips


def load_human() -> list[TestClip]:
    """What the Asterisk prompts (a woman's voice, 8 kHz) have of nano's phrases, and a few unknown words; empty where they
    are not installed."""
    known = {phrase.says: index for index, phrase in enumerate(PHRASES)}
    clips = []
    for text, name in ASTERISK_FILES.items():
        if not (ASTERISK / name).is_file():
            continue
        audio, rate_hz = soundfile.read(ASTERISK / name, dtype="float32")
        common = gcd(RATE_HZ, rate_hz)
        audio = peak_normalised(trimmed(resample_poly(audio, RATE_HZ // common, rate_hz // common)))
        clips.append(TestClip(known.get(text, -1), text, "human", "allison", audio))
    return clips


def main(arguments: list[str]) -> None:
    """Makes the test set."""
    parser = argparse.ArgumentParser(prog="nano testset", description=__doc__)
    parser.add_argument("--seed", type=int, default=2024)
    generator = np.random.default_rng(parser.parse_args(arguments).seed)

    FOLDER.mkdir(exist_ok=True)
    reserved = [str(text) for text in generator.permutation(RESERVED)]
    entries = []
    for number, (synth, voice) in enumerate(TEST_VOICES):
        first = number * UNKNOWN_PER_VOICE
        unknown = [reserved[(first + place) % len(reserved)] for place in range(UNKNOWN_PER_VOICE)]
        wanted = [(index, phrase.says) for index, phrase in enumerate(PHRASES)] + [(-1, text) for text in unknown]
        said = [
            Utterance(text, voice, rate=float(generator.uniform(0.8, 1.2)), pitch=float(generator.uniform(-0.6, 0.6)))
            for _, text in wanted
        ]
        clips = SYNTHESISERS[synth].speak(said)
        start, name = 0, f"{synth}-{voice}.opus"
        for (phrase, text), manner, clip in zip(wanted, said, clips):
            if clip is None:
                raise SystemExit(f"{synth} {voice} did not say {text!r}")
            spoken = {key: asdict(manner)[key] for key in ("voice", "rate", "pitch")}
            entry = {"phrase": phrase, "text": text, "family": synth} | spoken
            entries.append(entry | {"file": name, "start": start, "samples": len(clip)})
            start += len(clip)
        write_opus(FOLDER / name, np.concatenate(clips), BITS_PER_SECOND)
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    (FOLDER / "testset.json").write_text(f"[\n{lines}\n]\n")
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    print(f"{len(entries)} clips in {len(TEST_VOICES)} voices, {size / 1e6:.2f} MB: {FOLDER}")
