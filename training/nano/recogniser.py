"""An independent judge of speech: pocketsphinx with a small grammar. Used by tests and by the choice of voices only."""

import tempfile

import numpy as np
from pocketsphinx import Decoder
from scipy.signal import resample_poly

from nano.phrases import spoken_words


class Recogniser:
    """Hears one of a list of sentences.

    Each clip gets a fresh decoder: pocketsphinx carries its estimate of the channel from clip to clip, and a score must
    not depend on the order of the clips.
    """

    def __init__(self, sentences: list[str]):
        """`sentences` as people write them; punctuation and capitals don't count."""
        words = sorted({" ".join(spoken_words(sentence)) for sentence in sentences})
        self._grammar = "#JSGF V1.0;\ngrammar replies;\npublic <reply> = " + " | ".join(words) + ";\n"

    def hear(self, clip: np.ndarray) -> str:
        """The sentence heard, in lower case without punctuation; empty if none.

        **Shapes** `clip`: [T], 24 kHz, any level (it is scaled to a peak of 0.5).
        """
        with tempfile.NamedTemporaryFile("w", suffix=".gram") as file:
            file.write(self._grammar)
            file.flush()
            decoder = Decoder(jsgf=file.name, samprate=16_000, loglevel="FATAL")
        quiet = np.zeros(7_200)
        padded = np.concatenate([quiet, clip / (np.abs(clip).max(initial=0.0) + 1e-6) * 0.5, quiet])
        # Digital silence has no logarithm: a faint noise keeps the recogniser's features finite.
        padded += np.random.default_rng(0).normal(0, 1e-3, len(padded))
        samples = (np.clip(resample_poly(padded, 2, 3), -1, 1) * 32_767).astype(np.int16)
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""
