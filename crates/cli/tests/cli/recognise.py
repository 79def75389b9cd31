"""recognise.py FILE.wav...: what each recording says, of the sentences that the demo model knows; a line per file.

Pocketsphinx with its own US English model and a grammar of 16 sentences. A decoder of its own for each recording: one
that is used again carries its estimate of the channel over. Mono, 16 bits, 24 kHz, as `moshibar talk` writes.
"""

import sys
import tempfile
import wave

import numpy as np
from pocketsphinx import Decoder

WORDS = "zero one two three four five six seven eight nine yes no red green blue"
GRAMMAR = f"#JSGF V1.0;\ngrammar reply;\npublic <reply> = hello there | you said ( {WORDS.replace(' ', ' | ')} );\n"
RATE, QUIET = 16_000, 0.3  # Hz, seconds of silence around the speech


def speech(path: str) -> np.ndarray:
    with wave.open(path) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2), path
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768
    # By sinc interpolation over the whole signal: it is short, and aliases would sound like consonants.
    spectrum = np.fft.rfft(samples)
    count = round(len(samples) * RATE / rate)
    return np.fft.irfft(spectrum[: count // 2 + 1], count) * count / len(samples)


def heard(path: str, grammar: str) -> str:
    samples = speech(path)
    loudest = np.abs(samples).max()
    if loudest < 1e-3:  # silence has no words, and would be scaled up to noise
        return ""
    # A long silence before the speech shifts the recogniser's estimate of the channel, and "green" becomes "three".
    loud = np.flatnonzero(np.abs(samples) > loudest / 50)
    samples = np.pad(samples[loud[0] : loud[-1] + 1] / loudest / 2, round(QUIET * RATE))
    # The recogniser expects a room, not digital silence.
    samples += np.random.default_rng(0).normal(0, 1e-3, len(samples))
    decoder = Decoder(jsgf=grammar, samprate=RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((samples * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    best = decoder.hyp()
    return best.hypstr if best else ""


with tempfile.NamedTemporaryFile("w", suffix=".gram") as grammar:
    grammar.write(GRAMMAR)
    grammar.flush()
    for path in sys.argv[1:]:
        print(heard(path, grammar.name))
