"""recognise.py SENTENCES FILE.wav...: which of the sentences each recording says; a line per file, empty for none.

SENTENCES has a sentence on each line, in lower case and without punctuation, of words that pocketsphinx's dictionary has.
Pocketsphinx with its own US English model and a grammar of these sentences. A decoder of its own for each recording: one
that is used again carries its estimate of the channel over. Mono, 16 bits.
"""

import sys
import tempfile
import wave

import numpy as np
from pocketsphinx import Decoder

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


sentences, *paths = sys.argv[1:]
sentences = sentences.split("\n")
dictionary = Decoder(lm=None, samprate=RATE, loglevel="FATAL")
unknown = {word for sentence in sentences for word in sentence.split() if dictionary.lookup_word(word) is None}
if unknown:
    sys.exit(f"pocketsphinx has no pronunciation of {', '.join(sorted(unknown))}: choose other words to test with")
with tempfile.NamedTemporaryFile("w", suffix=".gram") as grammar:
    grammar.write(f"#JSGF V1.0;\ngrammar reply;\npublic <reply> = {' | '.join(sentences)};\n")
    grammar.flush()
    for path in paths:
        print(heard(path, grammar.name))
