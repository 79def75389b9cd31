"""nano's own voice: every reply, spoken once.

`python -m nano replies` writes training/work/replies/NNN.flac (NNN: the index in `all_replies()`) and replies.json.
`python -m nano replies --compare` asks the recogniser which voice is clearest; the choice below comes from there.
"""

import argparse
import json

import numpy as np
import soundfile

from nano.phrases import all_replies, spoken_words
from nano.recogniser import Recogniser
from nano.speech.families import SYNTHESISERS
from nano.speech.synthesisers import RATE_HZ, TRAINING, Utterance, peak_normalised, trimmed

FOLDER = TRAINING / "work" / "replies"
LONGEST_S = 1.9
CANDIDATES = [("rhvoice", "clb"), ("rhvoice", "slt"), ("festival", "cmu_us_slt_arctic_hts")]
SYNTHESISER, VOICE, RATE = "rhvoice", "clb", 1.1


def spoken_replies(synthesiser: str, voice: str, rate: float) -> list[np.ndarray]:
    """Every reply in the order of `all_replies()`, each [T] at 24 kHz, peak 0.5, with 20 ms of silence on either side."""
    utterances = [Utterance(reply, voice, rate) for reply in all_replies()]
    clips = SYNTHESISERS[synthesiser].speak(utterances)
    return [peak_normalised(trimmed(clip, margin_s=0.02)) for clip in clips]


def misheard(clips: list[np.ndarray]) -> list[str]:
    """The replies that the recogniser takes for another one."""
    recogniser = Recogniser(all_replies())
    heard = [recogniser.hear(clip) for clip in clips]
    return [f"{text!r}: {ear!r}" for text, ear in zip(all_replies(), heard) if " ".join(spoken_words(text)) != ear]


def compare() -> None:
    """Prints for each candidate and pace what is misheard and the longest reply."""
    for synthesiser, voice in CANDIDATES:
        for rate in (0.9, 1.0, 1.1, 1.2):
            clips = spoken_replies(synthesiser, voice, rate)
            longest_s = max(map(len, clips)) / RATE_HZ
            print(f"{synthesiser} {voice} rate {rate}: longest {longest_s:.2f} s, misheard {misheard(clips)}", flush=True)


def main(arguments: list[str]) -> None:
    """Speaks the replies, checks them and writes them."""
    parser = argparse.ArgumentParser(prog="nano replies", description=__doc__)
    parser.add_argument("--compare", action="store_true", help="compare voices and paces instead")
    if parser.parse_args(arguments).compare:
        return compare()
    clips = spoken_replies(SYNTHESISER, VOICE, RATE)
    if wrong := misheard(clips):
        raise SystemExit(f"the recogniser mishears {wrong}")
    if (longest_s := max(map(len, clips)) / RATE_HZ) > LONGEST_S:
        raise SystemExit(f"a reply takes {longest_s:.2f} s, more than {LONGEST_S} s")
    FOLDER.mkdir(parents=True, exist_ok=True)
    entries = []
    for index, (text, clip) in enumerate(zip(all_replies(), clips)):
        soundfile.write(FOLDER / f"{index:03}.flac", clip, RATE_HZ)
        entries.append({"text": text, "file": f"{index:03}.flac", "samples": len(clip)})
    index = {"synth": SYNTHESISER, "voice": VOICE, "rate": RATE, "replies": entries}
    (FOLDER / "replies.json").write_text(json.dumps(index, indent=1) + "\n")
    print(f"{len(clips)} replies, {sum(map(len, clips)) / RATE_HZ:.0f} s, the longest {longest_s:.2f} s: {FOLDER}")
