"""Sounds that nano should not answer to, each [T] at 24 kHz with an RMS of 1. Written for the evaluation alone."""

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, sosfilt

from nano.evaluation.rooms import RATE_HZ


def _unit(sound: np.ndarray) -> np.ndarray:
    return (sound / (np.sqrt(np.mean(sound**2)) + 1e-9)).astype(np.float32)


def coloured(generator: np.random.Generator, samples: int, exponent: float) -> np.ndarray:
    """Noise whose power falls with frequency to the power of `exponent`: 1 is pink, 2 is brown."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    frequency_hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    return _unit(np.fft.irfft(spectrum / np.maximum(frequency_hz, 30) ** (exponent / 2), samples))


def pink(generator: np.random.Generator, samples: int) -> np.ndarray:
    """Pink noise: traffic, a waterfall."""
    return coloured(generator, samples, 1)


def fan(generator: np.random.Generator, samples: int) -> np.ndarray:
    """A fan: blades' harmonics that wander a little, and air."""
    time_s = np.arange(samples) / RATE_HZ
    seconds = int(samples / RATE_HZ) + 2
    wander = np.interp(time_s, np.arange(seconds), generator.normal(1, 0.01, seconds))
    phase = 2 * np.pi * np.cumsum(generator.uniform(80, 170) * wander) / RATE_HZ
    hum = sum(generator.uniform(0.3, 1) / number * np.sin(number * phase + generator.uniform(0, 6)) for number in range(1, 9))
    air = sosfilt(butter(1, 900, fs=RATE_HZ, output="sos"), generator.standard_normal(samples))
    return _unit(_unit(hum) + 1.5 * _unit(air))


def desk(generator: np.random.Generator, samples: int) -> np.ndarray:
    """A desk: typing, knocks and now and then a cup, over a quiet room."""
    sound = 0.02 * coloured(generator, samples, 1.5)
    for _ in range(int(samples / RATE_HZ * 2.5)):
        length = int(generator.uniform(0.01, 0.12) * RATE_HZ)
        start = int(generator.integers(0, samples - length))
        time_s = np.arange(length) / RATE_HZ
        ring = np.sin(2 * np.pi * generator.uniform(150, 3_000) * time_s) + 0.7 * generator.standard_normal(length)
        sound[start : start + length] += generator.uniform(0.1, 1) * ring * np.exp(-time_s * generator.uniform(40, 300))
    return _unit(sound)


def music(generator: np.random.Generator, samples: int) -> np.ndarray:
    """Simple music: a bass, chords of plucked and organ-like tones, a melody and a drum, in one tempo and key."""
    sound = np.zeros(samples)
    beat_s = 60 / generator.uniform(70, 140)
    key_hz = 110 * 2 ** (generator.integers(12) / 12)
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    plucked = generator.random() < 0.5

    def tone(start_s: float, length_s: float, semitones: float, gain: float, decay: float) -> None:
        start, length = int(start_s * RATE_HZ), int(length_s * RATE_HZ)
        length = min(length, samples - start)
        if length <= 0:
            return
        time_s = np.arange(length) / RATE_HZ
        hz = key_hz * 2 ** (semitones / 12)
        wave = sum(np.sin(2 * np.pi * hz * number * time_s) / number**1.3 for number in range(1, 7) if hz * number < 11_000)
        rise = np.minimum(time_s / 0.01, 1) * np.minimum((length_s - time_s).clip(0) / 0.03, 1)
        sound[start : start + length] += gain * wave * rise * np.exp(-decay * time_s)

    for beat in range(int(samples / RATE_HZ / beat_s) + 1):
        start_s = beat * beat_s
        if beat % 4 == 0:
            root = int(generator.choice([0, 3, 4, 5]))
            chord = [scale[(root + step) % 7] + 12 * ((root + step) // 7) for step in (0, 2, 4)]
            for semitones in chord:
                tone(start_s, 4 * beat_s, semitones + 12, 0.25, 2.0 if plucked else 0.2)
            tone(start_s, 2 * beat_s, chord[0] - 12, 0.6, 1.0)
        for half in range(2):
            if generator.random() < 0.6:
                tone(start_s + half * beat_s / 2, beat_s / 2, scale[generator.integers(7)] + 24, 0.3, 3.0)
        length = min(int(0.15 * RATE_HZ), samples - int(start_s * RATE_HZ))
        if length > 0:
            time_s = np.arange(length) / RATE_HZ
            drum = np.sin(2 * np.pi * 90 * time_s) * np.exp(-30 * time_s) if beat % 2 == 0 else (
                0.4 * generator.standard_normal(length) * np.exp(-50 * time_s)
            )  # fmt: skip
            sound[int(start_s * RATE_HZ) :][:length] += drum
    return _unit(sound)


def babble(generator: np.random.Generator, samples: int, voices: list[np.ndarray], talkers: int = 6) -> np.ndarray:
    """Several people talking at once, too many to follow. `voices`: clips, each [T]."""
    sound = np.zeros(samples)
    for _ in range(talkers):
        position = int(generator.integers(RATE_HZ))
        while position < samples:
            clip = voices[generator.integers(len(voices))][: samples - position]
            sound[position : position + len(clip)] += generator.uniform(0.4, 1) * clip
            position += len(clip) + int(generator.uniform(0, 0.25) * RATE_HZ)
    return _unit(sound)


STEADY: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {"pink": pink, "fan": fan, "desk": desk}
