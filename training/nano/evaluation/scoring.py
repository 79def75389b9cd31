"""What counts as a right answer. No sound is made and no program run here: transcripts and samples in, verdicts out."""

from dataclasses import dataclass

import numpy as np

from nano.evaluation.program import FRAME_S, Answer, Word
from nano.evaluation.rooms import RATE_HZ
from nano.evaluation.sessions import Turn
from nano.phrases import PHRASES, UNKNOWN_REPLIES, spoken_words

SILENT_RMS = 0.01
STOP_S = 0.5  # nano must be silent so long after somebody talks over it
PAUSE_S = 0.8  # a longer gap between words begins another reply


def plain(reply: str) -> str:
    """A reply in lower case without punctuation."""
    return " ".join(spoken_words(reply))


def words_between(words: list[Word], begin_s: float, end_s: float) -> list[Word]:
    """The words that begin in `begin_s` ≤ t < `end_s`."""
    return [word for word in words if begin_s <= word.start_s < end_s]


def text_of(words: list[Word]) -> str:
    """Words as one plain text."""
    return plain(" ".join(word.text for word in words))


def right_texts(phrase: int) -> set[str]:
    """The plain texts that are right after this phrase; for −1 (unknown) that is asking again, or saying nothing."""
    if phrase < 0:
        return {"", *map(plain, UNKNOWN_REPLIES)}
    return {plain(reply) for reply in PHRASES[phrase].replies}


def level(audio: np.ndarray, window_s: float = 0.02) -> np.ndarray:
    """The RMS of `audio` ([T] at 24 kHz) in windows of 20 ms, one after another."""
    window = round(window_s * RATE_HZ)
    count = len(audio) // window
    return np.sqrt(np.mean(audio[: count * window].reshape(count, window) ** 2, axis=1))


def sound_start_s(audio: np.ndarray, begin_s: float, end_s: float) -> float | None:
    """When `audio` first gets louder than silence for 60 ms, between these times; None if it does not."""
    loud = level(audio[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ)]) > SILENT_RMS
    lasting = loud[:-2] & loud[1:-1] & loud[2:] if len(loud) > 2 else loud[:0]
    return begin_s + int(np.argmax(lasting)) * 0.02 if lasting.any() else None


@dataclass(frozen=True)
class Verdict:
    """How nano answered one turn. Delays are from the end of the user's word to when a listener can hear or read the
    answer's beginning: the end of its first frame for text, a frame after its place in the file for sound."""

    turn: Turn
    text: str
    right: bool
    text_delay_s: float | None
    sound_delay_s: float | None
    speech: np.ndarray | None


def judge(turn: Turn, answer: Answer) -> Verdict:
    """Judges what nano said from this turn's onset to the next one's."""
    words = words_between(answer.words, turn.onset_s, turn.until_s)
    text = text_of(words)
    text_delay_s = words[0].start_s + FRAME_S - turn.end_s if words else None
    start_s = sound_start_s(answer.audio, turn.onset_s, turn.until_s)
    speech = None
    if start_s is not None:
        piece = answer.audio[round(max(0.0, start_s - 0.1) * RATE_HZ) : round(turn.until_s * RATE_HZ)]
        loud = np.flatnonzero(level(piece) > SILENT_RMS)
        speech = piece[: round((loud[-1] * 0.02 + 0.1) * RATE_HZ)]
    return Verdict(
        turn=turn,
        text=text,
        right=text in right_texts(turn.clip.phrase),
        text_delay_s=text_delay_s,
        sound_delay_s=None if start_s is None else start_s + FRAME_S - turn.end_s,
        speech=speech,
    )


def replies(words: list[Word]) -> list[list[Word]]:
    """Words grouped into replies: a gap of more than `PAUSE_S` begins another one."""
    groups: list[list[Word]] = []
    for word in words:
        if groups and word.start_s - groups[-1][-1].start_s <= PAUSE_S:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def unasked(answer: Answer, begin_s: float) -> int:
    """How often nano spoke up after `begin_s`: replies in its text, and sounds that have no text within a second."""
    groups = replies([word for word in answer.words if word.start_s >= begin_s])
    loud_s = begin_s + 0.02 * np.flatnonzero(level(answer.audio[round(begin_s * RATE_HZ) :]) > SILENT_RMS)
    spans = [(group[0].start_s - 1, group[-1].start_s + 2) for group in groups]
    stray = [at_s for at_s in loud_s if not any(first <= at_s <= last for first, last in spans)]
    bursts = sum(1 for before, at_s in zip([-np.inf, *stray], stray) if at_s - before > PAUSE_S)
    return len(groups) + bursts


@dataclass(frozen=True)
class BargeIn:
    """What nano did when it was talked over. `stopped`: silent from half a second after the onset until it answered."""

    stopped: bool
    answered: bool


def judge_barge_in(turn: Turn, answer: Answer) -> BargeIn:
    """Judges a turn that begins while nano speaks. What it says half a second later is no longer the old reply."""
    deadline_s = turn.onset_s + STOP_S
    words = words_between(answer.words, deadline_s, turn.until_s)
    # The text leads the voice by at most a frame or two; the new reply may begin to sound then.
    answer_s = words[0].start_s - 0.1 if words else turn.until_s
    quiet_until_s = max(turn.end_s + 0.1, answer_s)
    levels = level(answer.audio[round(deadline_s * RATE_HZ) : round(quiet_until_s * RATE_HZ)])
    return BargeIn(
        stopped=not bool((levels > SILENT_RMS).any()),
        answered=text_of(words) in right_texts(turn.clip.phrase),
    )
