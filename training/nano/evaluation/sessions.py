"""Sessions: what one user says to nano, one utterance after another, with the time for each."""

from dataclasses import dataclass, field

import numpy as np

from nano.evaluation import noises
from nano.evaluation.rooms import RATE_HZ, ROOMS, impulse_response, in_room
from nano.speech.testset import TestClip

GREETING_S = 4.0  # nano greets by itself when a talk begins
LONGEST_REPLY_S = 2.0
ANSWER_S = 0.5


@dataclass(frozen=True)
class Turn:
    """Something that the user says. Times in seconds of the session; the turn lasts until `until_s`, the next onset."""

    clip: TestClip
    onset_s: float
    end_s: float
    until_s: float


@dataclass
class Session:
    """What goes into the program ([T] at 24 kHz) and what the user says in it."""

    audio: np.ndarray
    turns: list[Turn] = field(default_factory=list)


CONDITIONS = ("clean", "room", "noise", "room+noise")


def compose(clips: list[TestClip], condition: str, seed: int, babble_voices: list[np.ndarray]) -> Session:
    """A session in which these clips are said in this order under one of `CONDITIONS`.

    Gains are 0.3 to 1 of a clip's peak of 0.5. Between a word's end and the next onset there is time to answer: half a
    second, the longest reply and a pause of 0.5 to 1.5 s.
    """
    generator = np.random.default_rng(seed)
    position_s, placed, turns = GREETING_S, [], []
    for clip in clips:
        gain = float(generator.uniform(0.3, 1.0))
        end_s = position_s + len(clip.audio) / RATE_HZ
        until_s = end_s + ANSWER_S + LONGEST_REPLY_S + float(generator.uniform(0.5, 1.5))
        placed.append((round(position_s * RATE_HZ), gain * clip.audio))
        turns.append(Turn(clip, position_s, end_s, until_s))
        position_s = until_s
    audio = np.zeros(round(position_s * RATE_HZ) + 1, np.float32)
    for start, speech in placed:
        audio[start : start + len(speech)] += speech
    # As loud as the speech is while it lasts: what a signal-to-noise ratio refers to.
    speech_rms = np.sqrt(np.sum(audio**2) / max(1, sum(len(speech) for _, speech in placed)))

    if "room" in condition:
        audio = in_room(audio, impulse_response(ROOMS[generator.integers(len(ROOMS))]))[: len(audio)]
    if "noise" in condition:
        kind = ("pink", "fan", "babble", "music")[generator.integers(4)]
        if kind == "babble":
            noise = noises.babble(generator, len(audio), babble_voices)
        else:
            noise = (noises.music if kind == "music" else noises.STEADY[kind])(generator, len(audio))
        snr_db = float(generator.uniform(10, 25))
        audio = audio + noise * speech_rms * 10 ** (-snr_db / 20)
    return Session(np.clip(audio, -1, 1).astype(np.float32), turns)


def with_echo(audio: np.ndarray, own: np.ndarray, delay_s: float, level_db: float = -20.0, response: np.ndarray | None = None) -> np.ndarray:
    """The microphone's sound when nano's own voice (`own`, [T]) leaks into it, late and maybe through a room."""
    leaked = own if response is None else in_room(own, response)[: len(own)]
    leaked = leaked[: len(audio)] * 10 ** (level_db / 20)
    delay = round(delay_s * RATE_HZ)
    heard = audio.copy()
    heard[delay : delay + len(leaked)] += leaked[: len(heard) - delay]
    return np.clip(heard, -1, 1)


def quiet(kind: str, seconds: float, seed: int) -> np.ndarray:
    """A session without a word: `silence` (half digital, half faint hiss), `noise` or `music`, changing every 30 s."""
    generator = np.random.default_rng(seed)
    piece = 30 * RATE_HZ
    pieces = []
    for number in range(int(np.ceil(seconds / 30))):
        if kind == "silence":
            sound = (number % 2) * 10 ** (generator.uniform(-75, -55) / 20) * noises.pink(generator, piece)
        else:
            names = list(noises.STEADY)
            make = noises.music if kind == "music" else noises.STEADY[names[number % len(names)]]
            sound = 10 ** (generator.uniform(-45, -22) / 20) * make(generator, piece)
        pieces.append(sound)
    audio = np.concatenate(pieces)[: round(seconds * RATE_HZ)]
    return np.clip(audio, -1, 1).astype(np.float32)
