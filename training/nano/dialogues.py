"""Plans of talks: who says what when, and what nano should write and say at each frame.

A plan is drawn on the CPU; the microphone's sound is rendered from it on the device that trains. The rules of the talk:
nano greets; it answers REPLY_AFTER frames after the end of what was said; it falls silent STOPS_AFTER frames after
somebody begins to speak into its words; noise and its own voice from the speaker are nothing to answer to.
"""

from dataclasses import dataclass, field

import numpy as np

from .architecture import CODEBOOKS, FRAME_SAMPLES, TEXT_EPAD, TEXT_PAD
from .clips import UNKNOWN, Clips
from .phrases import GREETINGS, PHRASES, UNKNOWN_REPLIES, all_replies
from .scenes import FASTEST, SLOWEST, Spoken, spoken_samples

REPLY_AFTER = 4  # frames from the last one of a phrase to the first sound of the answer
STOPS_AFTER = 3  # frames from the first one of an interruption to silence
GREETS_AT = 9  # the frame in which the greeting begins
TEXT_LEAD = 1  # a word is written so many frames before it is heard: the voice follows the text


@dataclass
class Reply:
    """One of nano's sentences: `codes` [CODEBOOKS, frames], the silence around it left out; `text`: token at frame offset."""

    codes: np.ndarray
    text: list[tuple[int, int]]


@dataclass
class Plan:
    """One talk of T frames. `text`: [T]; `own`: [CODEBOOKS, T]; `speaking`: [T]; events as in `scenes.Spoken` without `row`:
    what users say, noises, and nano's own sentences as (reply, first sample, samples until it was cut off)."""

    text: np.ndarray
    own: np.ndarray
    speaking: np.ndarray
    said: list[tuple] = field(default_factory=list)
    noises: list[tuple] = field(default_factory=list)
    spoken: list[tuple[int, int, int]] = field(default_factory=list)
    loud_noise: bool = False


class Planner:
    """Draws plans. `replies` in the order of `all_replies()`, `silence`: [CODEBOOKS] the codes of digital silence;
    `offsets`: where in its first frame each clip begins, in samples, when clips are codes already (`tokens`) and can't be bent."""

    def __init__(
        self, clips: Clips, rows: np.ndarray, replies: list[Reply], silence: np.ndarray, seed: int, offsets: np.ndarray | None = None
    ):
        self.clips, self.replies, self.silence, self.offsets = clips, replies, silence, offsets
        self.generator = np.random.default_rng(seed)
        self.by_phrase = [clips.of(phrase, rows) for phrase in range(UNKNOWN + 1)]
        numbers = {reply: number for number, reply in enumerate(all_replies())}
        self.answers = [[numbers[reply] for reply in phrase.replies] for phrase in PHRASES]
        self.answers.append([numbers[reply] for reply in UNKNOWN_REPLIES])
        self.greetings = [numbers[reply] for reply in GREETINGS]

    def plan(self, frames: int) -> Plan:
        random = self.generator
        plan = Plan(np.full(frames, TEXT_PAD), np.repeat(self.silence[:, None], frames, 1), np.zeros(frames, bool))
        greeting = random.choice(self.greetings)
        if random.random() < 0.12:  # nobody speaks, whatever the noise
            plan.loud_noise = True
            self._say(plan, greeting, GREETS_AT)
            self._noises(plan, frames)
            return plan
        first = int(random.integers(0, GREETS_AT + 30)) if random.random() < 0.35 else GREETS_AT + int(random.integers(28, 60))
        greeted = first + 1 >= GREETS_AT
        if greeted:
            self._say(plan, greeting, GREETS_AT)
            ends = GREETS_AT + self.replies[greeting].codes.shape[1]
            if first < ends:
                self._stop(plan, first + STOPS_AFTER)
        gain = 10 ** random.uniform(-0.65, 0.05)
        speed = random.uniform(SLOWEST, FASTEST)  # one speaker mostly, now and then somebody else
        frame = first
        while frame < frames - 4:
            if random.random() < 0.3:
                speed = random.uniform(SLOWEST, FASTEST)
            phrase, end = self._utterance(plan, frame, gain, speed)
            begins = end + REPLY_AFTER
            answer = int(random.choice(self.answers[phrase]))
            length = self.replies[answer].codes.shape[1]
            draw = random.random()
            if draw < 0.04:  # says something else before the answer comes: the second thing is answered
                frame = end + int(random.integers(1, REPLY_AFTER - 1))
                continue
            self._say(plan, answer, begins)
            if draw < 0.30:  # talks over the answer
                frame = begins + int(random.integers(0, length + 1))
                self._stop(plan, frame + STOPS_AFTER)
            else:
                frame = begins + length + int(random.exponential(14)) + 1
        self._noises(plan, frames)
        return plan

    def _utterance(self, plan: Plan, frame: int, gain: float, speed: float) -> tuple[int, int]:
        """Places a phrase that begins in `frame`. Returns which it is and the frame after its last one."""
        random = self.generator
        draw = random.random()
        if draw < 0.8:
            phrase = int(random.integers(len(PHRASES)))
            parts = [random.choice(self.by_phrase[phrase])]
        elif draw < 0.95:
            phrase, parts = UNKNOWN, [random.choice(self.by_phrase[UNKNOWN])]
        else:  # a sentence: known words in it are not meant
            phrase = UNKNOWN
            parts = [random.choice(self.by_phrase[UNKNOWN]) for _ in range(random.integers(2, 5))]
            parts[-1] = parts[-1] if random.random() < 0.7 else random.choice(self.by_phrase[random.integers(len(PHRASES))])
        within = int(random.integers(FRAME_SAMPLES)) if self.offsets is None else int(self.offsets[parts[0]])
        start = frame * FRAME_SAMPLES + within
        for number, clip in enumerate(parts):
            bent = speed * random.uniform(0.97, 1.03) if self.offsets is None else 1.0
            plan.said.append((clip, start, gain * 10 ** random.uniform(-0.12, 0.12), bent))
            start += spoken_samples(self.clips, clip, bent)
            if number + 1 < len(parts):
                start += int(random.uniform(-0.02, 0.12) * 24_000)
        return phrase, -(-start // FRAME_SAMPLES)

    def _say(self, plan: Plan, reply: int, begins: int) -> None:
        frames = plan.text.shape[0]
        said = self.replies[reply]
        end = min(frames, begins + said.codes.shape[1])
        if begins < end:
            plan.own[:, begins:end] = said.codes[:, : end - begins]
            plan.speaking[begins:end] = True
            samples = (end - begins) * FRAME_SAMPLES
            plan.spoken.append((reply, begins * FRAME_SAMPLES, samples))
        for offset, token in said.text:
            if 0 <= begins + offset < frames:
                plan.text[begins + offset] = token

    def _stop(self, plan: Plan, frame: int) -> None:
        """nano says and writes nothing from `frame` on, until it answers again."""
        if frame >= plan.text.shape[0]:
            return
        plan.own[:, frame:] = self.silence[:, None]
        plan.text[frame:] = TEXT_PAD
        plan.speaking[frame:] = False
        reply, start, samples = plan.spoken[-1] if plan.spoken else (0, 0, 0)
        if plan.spoken:
            plan.spoken[-1] = (reply, start, max(0, min(samples, frame * FRAME_SAMPLES - start)))

    def _noises(self, plan: Plan, frames: int) -> None:
        random = self.generator
        for _ in range(random.poisson(2.0 if plan.loud_noise else 0.8)):
            loudness = 10 ** random.uniform(-1.5, 0.1)
            plan.noises.append((random.choice(self.clips.bursts), int(random.integers(frames * FRAME_SAMPLES)), loudness, random.uniform(SLOWEST, FASTEST)))


def text_of(pieces: list[int], frames: int) -> list[tuple[int, int]]:
    """Where a reply's words are written: EPAD, then each word TEXT_LEAD frames before its share of the sentence begins."""
    text = [(-TEXT_LEAD - 1, TEXT_EPAD)]
    taken = -TEXT_LEAD - 1
    for number, piece in enumerate(pieces):
        offset = max(taken + 1, round(number * (frames - 3) / len(pieces)) - TEXT_LEAD)
        text.append((offset, piece))
        taken = offset
    return text


def gather(plans: list[Plan]) -> tuple[dict[str, np.ndarray], Spoken, Spoken, list[tuple[int, int, int, int]]]:
    """Plans as one batch: token arrays, what is said, noises, and nano's own sentences as (row, reply, start, samples)."""
    tokens = {
        "text": np.stack([plan.text for plan in plans]),
        "own": np.stack([plan.own for plan in plans]),
        "speaking": np.stack([plan.speaking for plan in plans]),
        "loud": np.array([plan.loud_noise for plan in plans]),
    }
    own = [(row, *event) for row, plan in enumerate(plans) for event in plan.spoken if event[2] > 0]
    return tokens, _rows([plan.said for plan in plans]), _rows([plan.noises for plan in plans]), own


def _rows(events: list[list[tuple]]) -> Spoken:
    flat = [(row, *event) for row, some in enumerate(events) for event in some]
    row, clip, start, gain, speed = (np.array(column) for column in zip(*flat)) if flat else [np.zeros(0)] * 5
    return Spoken(row.astype(np.int64), clip.astype(np.int64), start.astype(np.int64), gain, speed)


__all__ = ["CODEBOOKS", "Plan", "Planner", "Reply", "gather", "text_of"]
