"""The evaluation in pieces that run side by side. A task holds indices and seeds, no sound; its result is plain data."""

from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from nano.evaluation.program import Answer, Program, Talk, Word, talker
from nano.evaluation.rooms import RATE_HZ, ROOMS, impulse_response
from nano.evaluation.scoring import Verdict, judge, judge_barge_in, plain, replies, right_texts, text_of, unasked, words_between
from nano.evaluation.sessions import GREETING_S, Session, Turn, compose, quiet, with_echo
from nano.phrases import GREETINGS, PHRASES, all_replies
from nano.recogniser import Recogniser
from nano.speech.testset import TestClip, load, load_human


@cache
def test_clips() -> list[TestClip]:
    """The test set, and after it the human recordings where they are installed."""
    return load() + load_human()


@cache
def replies_recogniser() -> Recogniser:
    """Hears one of nano's replies."""
    return Recogniser(all_replies())


@cache
def phrases_recogniser() -> Recogniser:
    """Hears one of the phrases that nano knows."""
    return Recogniser([phrase.says for phrase in PHRASES])


@dataclass(frozen=True)
class Setup:
    """What is evaluated: the binary, and the model's name or folder."""

    binary: Path
    model: str

    def talk(self, quality: str) -> Talk:
        """Whoever talks in this quality."""
        return talker(self.binary, self.model, quality)


def composed(clips: tuple[int, ...], condition: str, seed: int) -> Session:
    """A session of these clips of the test set. The babble behind them is of the same held-out voices."""
    everybody = test_clips()
    return compose([everybody[index] for index in clips], condition, seed, [clip.audio for clip in everybody])


def greeted(answer: Answer) -> bool:
    """Whether nano said its greeting, and nothing else, before anybody spoke."""
    return text_of(words_between(answer.words, 0, GREETING_S)) in {plain(greeting) for greeting in GREETINGS}


def record(verdict: Verdict) -> dict:
    """A verdict as plain data, with what the recogniser heard nano say."""
    heard = "" if verdict.speech is None else replies_recogniser().hear(verdict.speech)
    clip = verdict.turn.clip
    return {
        "phrase": clip.phrase, "asked": clip.text, "family": clip.family, "voice": clip.voice, "onset_s": verdict.turn.onset_s,
        "text": verdict.text, "right": verdict.right, "heard": heard, "heard_right": heard in right_texts(clip.phrase),
        "text_delay_s": verdict.text_delay_s, "sound_delay_s": verdict.sound_delay_s,
    }  # fmt: skip


@dataclass(frozen=True)
class Turns:
    """One session of utterances, each judged."""

    quality: str
    condition: str
    clips: tuple[int, ...]
    seed: int
    part: str = "turns"

    def run(self, setup: Setup) -> list[dict]:
        """A record per turn."""
        session = composed(self.clips, self.condition, self.seed)
        answer = setup.talk(self.quality)(session.audio, self.seed)
        common = {"quality": self.quality, "condition": self.condition, "greeted": greeted(answer)}
        return [common | record(judge(turn, answer)) for turn in session.turns]

    def seconds(self) -> float:
        """How much talk it is, about."""
        return GREETING_S + 4.2 * len(self.clips)


@dataclass(frozen=True)
class Quiet:
    """A time without a word; what nano says in it after its greeting is counted."""

    quality: str
    kind: str
    length_s: float
    seed: int
    part: str = "quiet"

    def run(self, setup: Setup) -> list[dict]:
        """One record."""
        answer = setup.talk(self.quality)(quiet(self.kind, self.length_s, self.seed), self.seed)
        said = [text_of(group) for group in replies(words_between(answer.words, GREETING_S, self.length_s))]
        return [asdict(self) | {"greeted": greeted(answer), "unasked": unasked(answer, GREETING_S), "said": said}]

    def seconds(self) -> float:
        """How much talk it is."""
        return self.length_s


MOMENTS_S = (0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5)


@dataclass(frozen=True)
class BargeIns:
    """nano is talked over at each of `MOMENTS_S` after the beginning of one reply.

    `first`: clips that ask the same, tried in turn until one is answered rightly; `second`: what is said into the answer,
    one clip per moment.
    """

    quality: str
    first: tuple[int, ...]
    second: tuple[int, ...]
    seed: int
    part: str = "barge-in"

    def run(self, setup: Setup) -> list[dict]:
        """A record per moment that lies within the reply; none if nobody got the right reply."""
        talk = setup.talk(self.quality)
        for index in self.first:
            session = composed((index,), "clean", self.seed)
            verdict = judge(session.turns[0], talk(session.audio, self.seed))
            if verdict.right and verdict.speech is not None:
                break
        else:
            return []
        # judge() leaves 0.1 s on either side of the speech, and counts the delay from the end of the reply's first frame.
        start_s = verdict.sound_delay_s + verdict.turn.end_s - 0.08
        length_s = len(verdict.speech) / RATE_HZ - 0.2
        records = []
        for moment_s, other in zip(MOMENTS_S, self.second):
            if moment_s > length_s - 0.1:
                continue
            clip = test_clips()[other]
            onset_s = start_s + moment_s
            end_s = onset_s + len(clip.audio) / RATE_HZ
            turn = Turn(clip, onset_s, end_s, end_s + 3.0)
            # The same up to the interruption, so that with the same seed nano speaks as before.
            audio = np.zeros(round(turn.until_s * RATE_HZ) + 1, np.float32)
            kept = min(len(audio), len(session.audio))
            audio[:kept] = session.audio[:kept]
            begin = round(onset_s * RATE_HZ)
            audio[begin : begin + len(clip.audio)] += 0.7 * clip.audio
            judged = judge_barge_in(turn, talk(audio, self.seed))
            records.append({"quality": self.quality, "moment_s": moment_s, "asked": clip.text} | asdict(judged))
        return records

    def seconds(self) -> float:
        """How much talk it is, about."""
        return 9.0 + 9.5 * len(MOMENTS_S)


ECHOES: dict[str, tuple[float, int | None]] = {
    "20 ms": (0.02, None), "90 ms": (0.09, None), "200 ms": (0.2, None), "50 ms, bedroom": (0.05, 1), "50 ms, kitchen": (0.05, 3),
}  # fmt: skip


@dataclass(frozen=True)
class Echo:
    """A session held twice: alone, and with what nano said the first time leaking into the microphone at −20 dB."""

    quality: str
    clips: tuple[int, ...]
    seed: int
    part: str = "echo"

    def run(self, setup: Setup) -> list[dict]:
        """A record per way of leaking: replies that were not there without it, and how many turns were answered rightly."""
        talk = setup.talk(self.quality)
        session = composed(self.clips, "clean", self.seed)
        alone = talk(session.audio, self.seed)
        records = []
        for name, (delay_s, room) in ECHOES.items():
            response = None if room is None else impulse_response(ROOMS[room])
            leaking = talk(with_echo(session.audio, alone.audio, delay_s, response=response), self.seed)
            spans = [(0.0, GREETING_S), *((turn.onset_s, turn.until_s) for turn in session.turns)]
            extra = sum(max(0, _replies_in(leaking.words, *span) - max(1, _replies_in(alone.words, *span))) for span in spans)
            right_alone = sum(judge(turn, alone).right for turn in session.turns)
            right = sum(judge(turn, leaking).right for turn in session.turns)
            records.append(
                {"quality": self.quality, "echo": name, "extra": extra, "turns": len(session.turns), "right": right,
                 "right_alone": right_alone}
            )  # fmt: skip
        return records

    def seconds(self) -> float:
        """How much talk it is, about."""
        return (1 + len(ECHOES)) * (GREETING_S + 4.2 * len(self.clips))


def _replies_in(words: list[Word], begin_s: float, end_s: float) -> int:
    return len(replies(words_between(words, begin_s, end_s)))


@dataclass(frozen=True)
class Codec:
    """Phrases through the codec and back; what the recogniser makes of them before and after."""

    clips: tuple[int, ...]
    part: str = "codec"
    quality: str = field(default="q8")

    def run(self, setup: Setup) -> list[dict]:
        """A record per clip."""
        gap = round(0.6 * RATE_HZ)
        clips = [test_clips()[index] for index in self.clips]
        starts = np.cumsum([gap] + [len(clip.audio) + gap for clip in clips])[:-1]
        audio = np.zeros(starts[-1] + len(clips[-1].audio) + gap, np.float32)
        for start, clip in zip(starts, clips):
            audio[start : start + len(clip.audio)] = clip.audio
        coded = Program(setup.binary, setup.model, self.quality).coded(audio)
        records = []
        for start, clip in zip(starts, clips):
            # The codec may be late by a frame or two: half a gap goes with each word.
            piece = slice(start - gap // 6, start + len(clip.audio) + gap // 2)
            heard = [phrases_recogniser().hear(sound) == plain(clip.text) for sound in (audio[piece], coded[piece])]
            records.append({"family": clip.family, "asked": clip.text, "original": heard[0], "coded": heard[1]})
        return records

    def seconds(self) -> float:
        """How much talk it is, about."""
        return 1.3 * len(self.clips)


@dataclass(frozen=True)
class Hour:
    """An hour's talk; the turns of the first and the last ten minutes are judged."""

    quality: str
    clips: tuple[int, ...]
    seed: int
    part: str = "hour"

    def run(self, setup: Setup) -> list[dict]:
        """A record per judged turn, `last` telling which ten minutes."""
        session = composed(self.clips, "clean", self.seed)
        answer = setup.talk(self.quality)(session.audio, self.seed)
        end_s = session.turns[-1].until_s
        judged = [turn for turn in session.turns if turn.onset_s < 600 or turn.onset_s > end_s - 600]
        return [
            {"quality": self.quality, "last": turn.onset_s > 600} | record(judge(turn, answer)) for turn in judged
        ]

    def seconds(self) -> float:
        """How much talk it is, about."""
        return GREETING_S + 4.2 * len(self.clips)


Task = Turns | Quiet | BargeIns | Echo | Codec | Hour
