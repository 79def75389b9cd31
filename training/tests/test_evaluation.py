"""The evaluation's own tests: `python -m unittest` in training/. A judge that can't say no is none."""

import unittest

import numpy as np

from nano.evaluation import noises, rooms, sessions
from nano.evaluation.program import Answer, Word
from nano.evaluation.report import Report
from nano.evaluation.scoring import judge, judge_barge_in, replies, unasked
from nano.evaluation.sessions import Turn, compose, with_echo
from nano.phrases import PHRASES
from nano.speech.testset import TestClip

RATE_HZ = rooms.RATE_HZ


def phrase(says: str) -> int:
    return [phrase.says for phrase in PHRASES].index(says)


def clip(says: str, index: int | None = None) -> TestClip:
    return TestClip(phrase(says) if index is None else index, says, "espeak", "x", np.full(RATE_HZ // 2, 0.5, np.float32))


def answer(*words: tuple[str, float], length_s: float = 10.0, sounds: tuple[tuple[float, float], ...] = ()) -> Answer:
    audio = np.zeros(round(length_s * RATE_HZ), np.float32)
    for begin_s, end_s in sounds:
        part = slice(round(begin_s * RATE_HZ), round(end_s * RATE_HZ))
        audio[part] = 0.3 * np.sin(np.arange(part.stop - part.start) * 0.1)
    return Answer(audio, [Word(text, at_s) for text, at_s in words])


class Turns(unittest.TestCase):
    turn = Turn(clip("seven"), 4.0, 4.5, 8.0)
    unknown = Turn(clip("banana", -1), 4.0, 4.5, 8.0)

    def test_the_right_reply_is_right(self):
        verdict = judge(self.turn, answer(("you", 4.8), ("said", 5.0), ("seven", 5.2), sounds=((4.9, 5.6),)))
        self.assertTrue(verdict.right)
        self.assertAlmostEqual(verdict.text_delay_s, 0.38, places=6)
        self.assertAlmostEqual(verdict.sound_delay_s, 0.48, delta=0.021)
        self.assertAlmostEqual(len(verdict.speech) / RATE_HZ, 0.9, delta=0.05)

    def test_another_number_is_wrong(self):
        self.assertFalse(judge(self.turn, answer(("you", 4.8), ("said", 5.0), ("five", 5.2))).right)

    def test_more_than_the_reply_is_wrong(self):
        words = ("you", 4.8), ("said", 5.0), ("seven", 5.2), ("seven", 5.4)
        self.assertFalse(judge(self.turn, answer(*words)).right)

    def test_silence_is_wrong_after_a_known_phrase_and_right_after_another(self):
        self.assertFalse(judge(self.turn, answer()).right)
        self.assertTrue(judge(self.unknown, answer()).right)

    def test_asking_again_is_right_only_after_the_unknown(self):
        self.assertTrue(judge(self.unknown, answer(("sorry?", 5.0))).right)
        self.assertFalse(judge(self.turn, answer(("sorry?", 5.0))).right)
        self.assertFalse(judge(self.unknown, answer(("you", 4.8), ("said", 5.0), ("seven", 5.2))).right)

    def test_a_reply_that_comes_after_the_next_onset_is_wrong(self):
        self.assertFalse(judge(self.turn, answer(("you", 8.0), ("said", 8.2), ("seven", 8.4))).right)

    def test_speech_that_is_not_the_text_counts_against_the_voice(self):
        turns = [{"text": "you said seven", "heard": "you said seven"}, {"text": "you said seven", "heard": ""}]
        self.assertEqual(Report.spoken([*turns, {"text": "", "heard": ""}]), [True, False])


class Unasked(unittest.TestCase):
    def test_silence_has_none(self):
        self.assertEqual(unasked(answer(("hello", 1.0), sounds=((1.0, 1.5),)), 4.0), 0)

    def test_replies_and_sounds_without_text_count(self):
        found = unasked(answer(("sorry?", 5.0), sounds=((5.1, 5.5), (8.2, 8.6))), 4.0)
        self.assertEqual(found, 2)

    def test_a_pause_makes_two_replies(self):
        words = [Word("a", 1.0), Word("b", 1.4), Word("c", 2.4)]
        self.assertEqual([len(group) for group in replies(words)], [2, 1])


class BargeIns(unittest.TestCase):
    turn = Turn(clip("six"), 5.0, 5.5, 8.5)
    reply = ("you", 6.0), ("said", 6.2), ("six", 6.4)

    def test_stopping_and_answering(self):
        judged = judge_barge_in(self.turn, answer(("I", 4.6), ("know", 4.9), *self.reply, sounds=((4.5, 5.3), (6.1, 6.8))))
        self.assertTrue(judged.stopped)
        self.assertTrue(judged.answered)

    def test_talking_on_is_not_stopping(self):
        self.assertFalse(judge_barge_in(self.turn, answer(*self.reply, sounds=((4.5, 5.7), (6.1, 6.8)))).stopped)

    def test_the_old_reply_is_not_an_answer(self):
        judged = judge_barge_in(self.turn, answer(("numbers", 5.6), ("and", 5.8), ("colors", 6.0), sounds=((4.5, 6.5),)))
        self.assertFalse(judged.stopped)
        self.assertFalse(judged.answered)


class Rooms(unittest.TestCase):
    def test_sound_decays_as_the_room_says(self):
        for room in rooms.ROOMS:
            found_s = rooms.decay_s(rooms.impulse_response(room))
            self.assertLess(abs(found_s / room.rt60_s - 1), 0.35, f"{room.name}: {found_s:.2f} s, not {room.rt60_s} s")

    def test_the_direct_sound_comes_first_and_is_kept(self):
        for room in rooms.ROOMS:
            response = rooms.impulse_response(room)
            self.assertAlmostEqual(response[0], 1.0)
            self.assertLess(np.abs(response[1:]).max(), 1.5, room.name)


class Sessions(unittest.TestCase):
    def test_turns_stand_where_the_sound_is(self):
        session = compose([clip("seven"), clip("six")], "clean", 1, [])
        for turn in session.turns:
            begin, end = round(turn.onset_s * RATE_HZ), round(turn.end_s * RATE_HZ)
            self.assertTrue((session.audio[begin:end] > 0.1).all())
            self.assertEqual(np.abs(session.audio[end + 1 : round(turn.until_s * RATE_HZ) - 1]).max(), 0)
        self.assertEqual(np.abs(session.audio[: round(sessions.GREETING_S * RATE_HZ) - 1]).max(), 0)

    def test_noises_have_their_level(self):
        generator = np.random.default_rng(1)
        made = [make(generator, 3 * RATE_HZ + 7) for make in (*noises.STEADY.values(), noises.music)]
        made.append(noises.babble(generator, 3 * RATE_HZ + 7, [clip("six").audio]))
        for sound in made:
            self.assertEqual(len(sound), 3 * RATE_HZ + 7)
            self.assertAlmostEqual(float(np.sqrt(np.mean(sound**2))), 1.0, delta=1e-3)

    def test_the_echo_is_late_and_soft(self):
        own = np.zeros(RATE_HZ, np.float32)
        own[100] = 0.8
        heard = with_echo(np.zeros(RATE_HZ, np.float32), own, 0.1)
        self.assertAlmostEqual(float(heard[2_500]), 0.08, places=5)
        self.assertEqual(np.count_nonzero(heard), 1)


if __name__ == "__main__":
    unittest.main()
