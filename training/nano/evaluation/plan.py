"""Which tasks an evaluation consists of."""

import numpy as np

from nano.evaluation.sessions import CONDITIONS
from nano.evaluation.tasks import MOMENTS_S, BargeIns, Codec, Echo, Hour, Quiet, Task, Turns, test_clips
from nano.phrases import PHRASES

MAIN_QUALITY = "q8"
SESSION_TURNS = 24
TALKED_OVER = ("what can you do", "help", "tell me a joke", "can you hear me", "good morning", "who are you")
INTERRUPTIONS = ("seven", "stop", "red", "no", "what time is it", "six", "yellow", "good night")


def sessions_of(quality: str, condition: str, clips: list[int], seed: int) -> list[Task]:
    """These clips in random order, in sessions of at most two minutes."""
    order = [int(index) for index in np.random.default_rng(seed).permutation(clips)]
    parts = [order[first : first + SESSION_TURNS] for first in range(0, len(order), SESSION_TURNS)]
    return [Turns(quality, condition, tuple(part), seed + number) for number, part in enumerate(parts)]


def plan(qualities: list[str], quick: bool, hour: bool) -> list[Task]:
    """All tasks, long ones first so that no core waits for another at the end.

    The whole test set is heard in the main quality without a room or noise; a third of it everywhere else.
    """
    clips = test_clips()
    generator = np.random.default_rng(7)
    human = [index for index, clip in enumerate(clips) if clip.family == "human"]
    shuffled = [int(index) for index in generator.permutation([i for i in range(len(clips)) if i not in human])]
    everything, some = (shuffled[:48], shuffled[:24]) if quick else (shuffled, shuffled[: len(shuffled) // 3])
    few_human = human[::3] if quick else human

    main = MAIN_QUALITY if MAIN_QUALITY in qualities else qualities[0]
    tasks: list[Task] = []
    for number, condition in enumerate(CONDITIONS):
        chosen = everything if condition == "clean" else some
        tasks += sessions_of(main, condition, chosen + few_human, 1000 * (number + 1))
    for number, quality in enumerate(quality for quality in qualities if quality != main):
        tasks += sessions_of(quality, "clean", some + few_human, 1000 * (number + 10))

    for kind in ("silence", "noise", "music"):
        for seed in range(1 if quick else 2):
            tasks.append(Quiet(main, kind, 60 if quick else 300, seed + 1))

    by_text: dict[str, list[int]] = {}
    for index in shuffled:
        if clips[index].phrase >= 0:
            by_text.setdefault(clips[index].text, []).append(index)
    for number, asked in enumerate(TALKED_OVER[:1] if quick else TALKED_OVER):
        second = [by_text[text][number] for text in INTERRUPTIONS]
        # Another moment for each interruption in each reply.
        tasks.append(BargeIns(main, tuple(by_text[asked][:4]), tuple(np.roll(second, number).tolist()), 300 + number))
    assert len(INTERRUPTIONS) == len(MOMENTS_S)

    known = [index for index in shuffled if clips[index].phrase >= 0]
    for number in range(1 if quick else 4):
        size = 4 if quick else 10
        tasks.append(Echo(main, tuple(known[number * size :][:size]), 500 + number))
    coded = [index for index in everything if clips[index].phrase >= 0] + [index for index in human if clips[index].phrase >= 0]
    tasks += [Codec(tuple(coded[first : first + 60])) for first in range(0, len(coded), 60)]
    if hour:
        tasks.append(Hour(main, tuple(int(index) for index in generator.choice(known, size=850)), 900))
    return sorted(tasks, key=lambda task: -task.seconds())


assert {*TALKED_OVER, *INTERRUPTIONS} <= {phrase.says for phrase in PHRASES}
