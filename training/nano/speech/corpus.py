"""The corpus that nano is trained on: known phrases and unknown words, spoken by many voices.

`python -m nano corpus` writes training/work/corpus/: shards of at most ten minutes (FLAC, 24 kHz, mono), `clips.json`
(one object per clip: phrase, text, phones, synth, voice, rate, pitch, warp, shard, start, samples, split) and
`phones.json`, the inventory. Positions are in samples. Clips come in random order and clips.json is written again with
every shard, so that the first shards are already a small corpus.
"""

import argparse
import dataclasses
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from nano.phrases import PHRASES
from nano.speech.families import SYNTHESISERS
from nano.speech.phones import PHONES, phones_of
from nano.speech.synthesisers import RATE_HZ, TRAINING, Utterance
from nano.speech.voices import SHARES, TRAINING_VOICES, VALIDATION_VOICES
from nano.speech.words import unknown_texts

FOLDER = TRAINING / "work" / "corpus"
SHARD_SAMPLES = 600 * RATE_HZ
SHORTEST_S, LONGEST_S = 0.12, 2.0
CHUNK = 300  # Utterances per worker's turn: enough to hide Festival's start.


@dataclasses.dataclass(frozen=True)
class Job:
    """One clip to make. `phrase`: index in PHRASES, -1 for an unknown text."""

    phrase: int
    text: str
    synth: str
    split: str
    said: Utterance


def manner(generator: np.random.Generator, synth: str, voice: str, text: str) -> Utterance:
    """This text in this voice at a random pace, pitch and, for recorded speakers, vocal tract and intonation."""
    rate = float(generator.uniform(0.72, 1.28))
    pitch = float(generator.uniform(-1, 1))
    if synth == "espeak":
        return Utterance(text, voice, rate, pitch)
    # espeak-ng has hundreds of voices; the others have few, so warping makes speakers and punctuation makes melodies.
    punctuation = ("", ".", "!", "?")[generator.integers(4)]
    return Utterance(text + punctuation, voice, max(rate, 0.8), pitch, float(generator.uniform(0.88, 1.14)))


def shuffled_rounds(generator: np.random.Generator, voices: tuple[str, ...]) -> Iterator[str]:
    """The voices without end, each once per round, every round in another order."""
    while True:
        yield from map(str, generator.permutation(voices))


def plan(per_phrase: int, unknown: int, seed: int) -> list[Job]:
    """All clips of the corpus in the order in which they are made: `per_phrase` for each known phrase and `unknown`
    others for training, and a tenth of that for validation."""
    generator = np.random.default_rng(seed)
    weights = unknown_texts(seed)
    total = sum(weights.values())
    # Each text gets its share, rounded up or down at random so that the sum comes out right.
    counts = {text: int(weight * unknown / total + generator.random()) for text, weight in weights.items()}
    wanted = [(index, phrase.says, per_phrase) for index, phrase in enumerate(PHRASES)]
    wanted += [(-1, text, count) for text, count in counts.items()]

    # Voices go round in random order, so that a phrase meets as many of them as it has clips.
    rounds = {synth: shuffled_rounds(generator, voices) for synth, voices in TRAINING_VOICES.items()}
    validation = itertools.cycle(VALIDATION_VOICES)
    jobs = []
    for phrase, text, count in wanted:
        shares = np.array(list(SHARES.values())) * count
        if phrase >= 0:
            synths = np.repeat(list(SHARES), np.round(shares).astype(int))
        else:
            synths = generator.choice(list(SHARES), size=count, p=list(SHARES.values()))
        for synth in map(str, synths):
            jobs.append(Job(phrase, text, synth, "train", manner(generator, synth, next(rounds[synth]), text)))
        for _ in range(int(count / 10 + generator.random())):
            synth, voice = next(validation)
            jobs.append(Job(phrase, text, synth, "validation", manner(generator, synth, voice, text)))
    return [jobs[index] for index in generator.permutation(len(jobs))]


def speak(jobs: list[Job]) -> list[np.ndarray | None]:
    """The clips of these jobs, as int16; None where a synthesiser failed or the clip is too short or too long."""
    clips: list[np.ndarray | None] = [None] * len(jobs)
    for name in SHARES:
        places = [place for place, job in enumerate(jobs) if job.synth == name]
        for place, clip in zip(places, SYNTHESISERS[name].speak([jobs[place].said for place in places])):
            if clip is not None and SHORTEST_S <= len(clip) / RATE_HZ <= LONGEST_S:
                clips[place] = np.round(clip * 32_767).astype(np.int16)
    return clips


class Shards:
    """Writes clips one after another into files of at most ten minutes, with their index."""

    def __init__(self, folder: Path, append: bool):
        folder.mkdir(parents=True, exist_ok=True)
        index = folder / "clips.json"
        if not append:
            for old in [*folder.glob("*.flac"), *folder.glob("clips.json")]:
                old.unlink()
        self._folder, self._clips, self._pending, self._samples = folder, [], [], 0
        if index.exists():
            self._clips = json.loads(index.read_text())

    def add(self, clip: np.ndarray, entry: dict) -> None:
        """Appends a clip ([T], int16) and its index entry."""
        if self._samples + len(clip) > SHARD_SAMPLES:
            self.flush()
        self._pending.append((clip, entry))
        self._samples += len(clip)

    def flush(self) -> None:
        """Writes what is pending as one more shard, then the index."""
        if not self._pending:
            return
        shards = {entry["shard"] for entry in self._clips}
        name, start = f"{len(shards):03}.flac", 0
        soundfile.write(self._folder / name, np.concatenate([clip for clip, _ in self._pending]), RATE_HZ)
        for clip, entry in self._pending:
            self._clips.append(entry | {"shard": name, "start": start, "samples": len(clip)})
            start += len(clip)
        self._pending, self._samples = [], 0
        unfinished = self._folder / "clips.json.part"
        unfinished.write_text("[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in self._clips) + "\n]\n")
        unfinished.rename(self._folder / "clips.json")


def main(arguments: list[str]) -> None:
    """Makes the corpus."""
    parser = argparse.ArgumentParser(prog="nano corpus", description=__doc__)
    parser.add_argument("--per-phrase", type=int, default=300)
    parser.add_argument("--unknown", type=int, default=5600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these synthesisers or voices, added to the corpus that is there")
    options = parser.parse_args(arguments)

    jobs = plan(options.per_phrase, options.unknown, options.seed)
    if options.only:
        jobs = [job for job in jobs if job.split == "train" and (job.synth in options.only or job.said.voice in options.only)]
    phones = phones_of(sorted({job.text for job in jobs}))
    shards, failed, seconds = Shards(FOLDER, append=bool(options.only)), 0, 0.0
    (FOLDER / "phones.json").write_text(json.dumps(PHONES, ensure_ascii=False) + "\n")
    chunks = [jobs[first : first + CHUNK] for first in range(0, len(jobs), CHUNK)]
    with ProcessPoolExecutor(options.processes) as pool, tqdm(total=len(jobs), unit="clip") as bar:
        for chunk, clips in zip(chunks, pool.map(speak, chunks)):
            for job, clip in zip(chunk, clips):
                if clip is None:
                    failed += 1
                    continue
                seconds += len(clip) / RATE_HZ
                entry = {"phrase": job.phrase, "text": job.text, "phones": phones[job.text], "synth": job.synth}
                manner_of = {key: getattr(job.said, key) for key in ("voice", "rate", "pitch", "warp")}
                shards.add(clip, entry | manner_of | {"split": job.split})
            bar.update(len(chunk))
    shards.flush()
    print(f"{len(jobs) - failed} clips, {seconds:.0f} s; {failed} left out (failed, too short or too long): {FOLDER}")
