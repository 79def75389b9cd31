"""Speech synthesisers behind one face: a list of utterances in, mono 24 kHz clips out.

Most run inside a Debian tree (`training/speech-tools.sh` makes it) through chroot, so that everybody gets the same
versions and hence the same voices. Starting a program costs more than speaking a word, so each call to `speak` runs one
shell for all its utterances, and Festival, the slowest to start, one process. The neural ones (`neural`) are Python packages.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

RATE_HZ = 24_000
TRAINING = Path(__file__).resolve().parents[2]


def speech_tools() -> Path:
    """The Debian tree with the synthesisers: $NANO_SPEECH_TOOLS, else training/work/debian."""
    root = Path(os.environ.get("NANO_SPEECH_TOOLS", TRAINING / "work" / "debian"))
    if not (root / "usr/bin/espeak-ng").exists():
        raise SystemExit(f"{root}: no synthesisers here. Run training/speech-tools.sh, or set NANO_SPEECH_TOOLS")
    return root


@dataclass(frozen=True)
class Utterance:
    """What to say and how.

    `rate`: 1 is the voice's usual pace, 1.2 is faster by a fifth. `pitch`: -1 (low) to 1 (high), 0 is the voice's own;
    how far that reaches is up to the synthesiser. `warp`: the finished clip is played faster by this factor, which moves
    pitch and formants together, as a shorter vocal tract does; the pace is corrected for it beforehand.
    """

    text: str
    voice: str
    rate: float = 1.0
    pitch: float = 0.0
    warp: float = 1.0


def trimmed(clip: np.ndarray, margin_s: float = 0.015) -> np.ndarray:
    """The clip without the silence around it, but for a margin.

    **Shapes** [T] to [T'], at 24 kHz. Speech is whatever is within 40 dB of the clip's peak.
    """
    loud = np.flatnonzero(np.abs(clip) > 0.01 * np.abs(clip).max(initial=0.0))
    if len(loud) == 0:
        return clip[:0]
    margin = round(margin_s * RATE_HZ)
    before, after = max(0, margin - loud[0]), max(0, loud[-1] + 1 + margin - len(clip))
    return np.pad(clip, (before, after))[loud[0] + before - margin : loud[-1] + 1 + before + margin]


def peak_normalised(clip: np.ndarray, peak: float = 0.5) -> np.ndarray:
    """The clip scaled to this peak."""
    return (clip * (peak / max(np.abs(clip).max(initial=0.0), 1e-6))).astype(np.float32)


class Synthesiser(ABC):
    """A speech synthesiser with its voices."""

    name: str

    @abstractmethod
    def speak(self, utterances: list[Utterance]) -> list[np.ndarray | None]:
        """Speaks them all, in order.

        **Shapes** one [T] float32 per utterance, 24 kHz, trimmed, peak 0.5; None where the synthesiser failed.
        """


def finished(clip: np.ndarray, rate_hz: int, warp: float) -> np.ndarray | None:
    """A synthesiser's clip ([T] at `rate_hz`) as `Synthesiser.speak` returns it; None if there is nothing in it."""
    # Warping is resampling from a rate that the clip does not have.
    ratio = Fraction(RATE_HZ, round(rate_hz * warp)).limit_denominator(400)
    if len(clip) == 0 or np.abs(clip).max() < 0.01:
        return None
    return peak_normalised(trimmed(resample_poly(clip, ratio.numerator, ratio.denominator)))


class DebianSynthesiser(Synthesiser):
    """One that is a program in the Debian tree."""

    def speak(self, utterances: list[Utterance]) -> list[np.ndarray | None]:
        root = speech_tools()
        folder = Path(tempfile.mkdtemp(prefix="speech-", dir=root / "tmp"))
        try:
            inside = Path("/") / folder.relative_to(root)
            script = self.script(utterances, [inside / f"{index}.wav" for index in range(len(utterances))])
            (folder / "script").write_text(script)
            subprocess.run(
                ["chroot", root, *self.interpreter, inside / "script"], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
            return [self._read(folder / f"{index}.wav", said) for index, said in enumerate(utterances)]
        finally:
            shutil.rmtree(folder)

    interpreter: tuple[str, ...] = ("sh",)

    @abstractmethod
    def script(self, utterances: list[Utterance], paths: list[Path]) -> str:
        """A script for `interpreter` that speaks each utterance into its WAV file."""

    @staticmethod
    def _read(path: Path, said: Utterance) -> np.ndarray | None:
        try:
            clip, rate_hz = soundfile.read(path, dtype="float32")
        except soundfile.LibsndfileError:
            return None
        return finished(clip, rate_hz, said.warp)


class Espeak(DebianSynthesiser):
    """espeak-ng. A voice is `accent` or `accent+variant`; formant synthesis, so one process per utterance is cheap."""

    name = "espeak"

    def script(self, utterances: list[Utterance], paths: list[Path]) -> str:
        return "".join(
            f"espeak-ng -v {shlex.quote(said.voice)} -s {round(160 * said.rate / said.warp)}"
            f" -p {round(50 + 35 * said.pitch)} -w {path} -- {shlex.quote(said.text)}\n"
            for said, path in zip(utterances, paths)
        )

    @staticmethod
    def phonemes(texts: list[str]) -> list[str]:
        """IPA of each text in American English, phonemes separated by `_`, words by spaces."""
        listing = "".join(f"{text}\n" for text in texts)
        spoken = subprocess.run(
            ["chroot", speech_tools(), "espeak-ng", "-q", "--ipa", "--sep=_", "-v", "en-us"],
            input=listing, capture_output=True, text=True, check=True,
        ).stdout.splitlines()  # fmt: skip
        if len(spoken) != len(texts):
            raise RuntimeError(f"espeak-ng gave {len(spoken)} lines for {len(texts)} texts")
        return spoken


class RHVoice(DebianSynthesiser):
    """RHVoice: statistical parametric voices from recordings of speakers."""

    name = "rhvoice"

    def script(self, utterances: list[Utterance], paths: list[Path]) -> str:
        return "".join(
            f"echo {shlex.quote(said.text)} | RHVoice-test -p {said.voice} -r {round(100 * said.rate / said.warp)}"
            f" -t {round(100 * 2 ** (said.pitch / 3))} -R 24000 -o {path}\n"
            for said, path in zip(utterances, paths)
        )


class Festival(DebianSynthesiser):
    """Festival: `kal_diphone`, `ked_diphone` (diphones) and `cmu_us_slt_arctic_hts` (parametric; its pitch moves by warping only)."""

    name = "festival"
    interpreter = ("festival", "-b")

    def script(self, utterances: list[Utterance], paths: list[Path]) -> str:
        lines = [f"(voice_{voice})" for voice in sorted({said.voice for said in utterances})]
        for said, path in zip(utterances, paths):
            pace = said.rate / said.warp
            if said.voice.endswith("_diphone"):
                mean_hz = 105 * 2 ** (said.pitch / 3)
                settings = (
                    f"(Parameter.set 'Duration_Stretch {1 / pace:.3f})"
                    f"(set! int_lr_params '((target_f0_mean {mean_hz:.1f}) (target_f0_std {mean_hz / 7:.1f})"
                    " (model_f0_mean 170) (model_f0_std 34)))"
                )
            else:
                settings = (
                    f"(set! hts_engine_params (append {said.voice}::hts_engine_params"
                    f" '((\"-r\" {pace:.3f}))))"
                )
            # unwind-protect: one text that Festival can't say must not end the batch.
            lines.append(
                f"(voice_{said.voice}) {settings}"
                f'(unwind-protect (utt.save.wave (utt.synth (Utterance Text "{said.text}")) "{path}") nil)'
            )
        return "\n".join(lines) + "\n"


class Flite(DebianSynthesiser):
    """Flite, Festival's small cousin: voices awb, rms, slt (clustergen), kal16 (diphones). Test set only."""

    name = "flite"

    def script(self, utterances: list[Utterance], paths: list[Path]) -> str:
        return "".join(
            f"flite -voice {said.voice} --setf duration_stretch={said.warp / said.rate:.3f}"
            f" -t {shlex.quote(said.text)} -o {path}\n"
            for said, path in zip(utterances, paths)
        )


class Pico(DebianSynthesiser):
    """SVOX Pico, known from Android: voices en-US and en-GB. Test set only."""

    name = "pico"

    def script(self, utterances: list[Utterance], paths: list[Path]) -> str:
        return "".join(
            f"pico2wave -l {said.voice} -w {path} {shlex.quote(self.marked_up(said))}\n"
            for said, path in zip(utterances, paths)
        )

    @staticmethod
    def marked_up(said: Utterance) -> str:
        """The text with Pico's own markup for pace and pitch (in percent)."""
        pace, pitch = round(100 * said.rate / said.warp), round(100 * 2 ** (said.pitch / 3))
        return f"<speed level='{pace}'><pitch level='{pitch}'>{said.text}</pitch></speed>"
