"""What nano understands and what it answers: the one list that speech, dialogues, tests and the model card are made from.

A phrase has a name (its key), what a user says, and the replies that are right. Where there are several replies, the
model chooses among them by sampling. Replies use words of CMUdict only, so that an independent recogniser can hear them.
"""

from dataclasses import dataclass

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
COLOURS = ["red", "green", "blue", "yellow", "black", "white", "orange", "purple", "brown", "pink"]


@dataclass(frozen=True)
class Phrase:
    """Something a user can say, and the replies any of which is right."""

    says: str
    replies: tuple[str, ...]


PHRASES: list[Phrase] = [
    *[Phrase(word, (f"you said {word}",)) for word in DIGITS],
    *[Phrase(word, (f"I like {word}",)) for word in COLOURS],
    Phrase("yes", ("very good",)),
    Phrase("no", ("oh no, why not",)),
    Phrase("hello", ("hello there", "nice to meet you")),
    Phrase("goodbye", ("goodbye", "see you soon")),
    Phrase("stop", ("okay, I stop",)),
    Phrase("thank you", ("you are welcome", "my pleasure")),
    Phrase("how are you", ("I am fine, thank you", "very well, and you")),
    Phrase("what can you do", ("I know numbers and colors",)),
    Phrase("good morning", ("good morning to you",)),
    Phrase("good night", ("sleep well",)),
    Phrase("who are you", ("my name is nano",)),
    Phrase("can you hear me", ("I can hear you",)),
    Phrase("help", ("say a number or a color",)),
    Phrase("I am sorry", ("no problem",)),
    Phrase("tell me a joke", ("I do not know any jokes",)),
    Phrase("what time is it", ("I have no clock",)),
]

# Said unasked when a talk begins, and to what is not in the list.
GREETINGS: tuple[str, ...] = ("hello, I am nano",)
UNKNOWN_REPLIES: tuple[str, ...] = ("sorry?",)


def all_replies() -> list[str]:
    """Every reply once, greetings and the answer to unknown words last; the order is part of the token files."""
    replies = [reply for phrase in PHRASES for reply in phrase.replies]
    return list(dict.fromkeys([*replies, *GREETINGS, *UNKNOWN_REPLIES]))


def spoken_words(reply: str) -> list[str]:
    """A reply's words in lower case without punctuation: what a recogniser is asked for."""
    return "".join(letter for letter in reply.lower() if letter.isalpha() or letter in " '").split()
