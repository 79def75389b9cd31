"""What people say that nano does not know: near-misses, beginnings of known phrases, common words.

Two rules: what sounds exactly like a known phrase ("won", "ate") is left out, and `RESERVED` is for the test set and is
never trained on.
"""

import itertools
import re
from functools import cache
from pathlib import Path

import numpy as np
from pocketsphinx import Config, LogMath, NGramModel, get_model_path

from nano.phrases import PHRASES

# For the test set only. A third of them is close to a known phrase.
RESERVED: tuple[str, ...] = (
    "heaven", "eleven", "nicely", "sick", "fight", "straw", "gloom", "bread", "greed", "jello", "whale", "flack",
    "perfect", "crown", "bless", "shopping", "yellow bird", "hollow", "seventeen", "good evening", "how old are you",
    "what is your name", "tell me a story", "where are you", "thank heavens",
    "banana", "window", "computer", "music", "doctor", "garden", "mother", "coffee", "planet", "football", "summer",
    "bicycle", "hospital", "monkey", "pencil", "river", "silver", "kitchen", "elephant", "newspaper", "chocolate",
    "Michael", "London", "Susan", "Canada",
    "open the door", "play some music", "turn it off", "I live in Paris", "call my brother", "read the news",
    "a cup of tea", "it is raining", "we went home", "nothing at all",
)  # fmt: skip

# One or two sounds away from a known phrase, or containing one.
NEAR_MISSES: tuple[str, ...] = (
    "hero", "zebra", "zeros", "Nero", "ear oh", "run", "once", "wonder", "want", "fun", "sun", "gun", "done", "ton",
    "twin", "do", "tool", "tooth", "chew", "tree", "free", "thread", "threw", "thirty", "throw", "the", "door", "force",
    "form", "fort", "floor", "fourteen", "five o'clock", "fifth", "fifty", "hive", "live", "dive", "fine", "find", "file",
    "fire", "sex", "sixth", "sixty", "fix", "mix", "sips", "seventy", "seventh", "sever", "severn", "lemon",
    "eighty", "ape", "aid", "age", "hate", "late", "weight loss", "night", "mine", "line", "ninety", "nineteen", "nice",
    "wine", "sign", "rod", "rid", "wed", "bed", "head", "led", "said", "dead", "shred", "ready", "reddish", "grin",
    "queen", "grain", "greet", "screen", "ground", "greenhouse", "keen", "lean", "glue", "clue", "blow", "bloom", "flew",
    "bluebell", "loo", "below", "mellow", "fellow", "cello", "yell", "yes or no", "yesterday", "yet", "yeast", "guess",
    "chess", "less", "mess", "desk", "block", "back", "lack", "slack", "blank", "blackboard", "bag", "quite", "why",
    "wide", "wise", "light", "height", "whitewash", "orchard", "origin", "arrange", "forage", "porridge", "oranges",
    "turtle", "circle", "people", "curtain", "purse", "hurdle", "person", "brow", "down", "town", "round", "brawn", "brain",
    "drown", "brownie", "ping", "pin", "think", "drink", "sink", "ink", "pig", "pinkie", "go", "low", "so", "show", "snow",
    "now", "not", "note", "nose", "nor", "new", "hall", "halo", "hell", "hellish", "allow", "hull", "hillow", "below zero",
    "good boy", "good guy", "good day", "good luck", "good idea", "could I", "step", "stock", "shop",
    "top", "stuff", "store", "spot", "stopper", "start", "stoop", "tank", "thank", "think you", "thank them", "sank",
    "bank you", "health", "hemp", "held", "yelp", "kelp", "helper", "helmet", "self", "elf", "twenty one", "twenty two",
    "thirty three", "forty five", "sixteen", "eighteen", "thirteen", "twelve", "ten", "hundred", "sixty six",
    "eighty eight", "ninety nine", "seven up", "one more", "no one", "noon", "nobody", "nothing", "know how", "yes sir",
    "no way", "hello kitty", "say hello", "stop it now", "help desk", "grey", "violet", "golden", "turquoise", "beige",
    "maroon", "scarlet", "crimson", "lilac", "magenta", "red wine", "green tea", "blueberry", "black bird", "white house",
)  # fmt: skip

# Beginnings of known phrases, and phrases that begin or sound like them.
PHRASE_MISSES: tuple[str, ...] = (
    "how", "how are", "are you", "what", "what can", "what can you", "can you do", "can you", "can you hear", "hear me",
    "good", "good more", "who", "who are", "what time", "what time is", "time is it", "is it", "tell", "tell me", "tell me a",
    "a joke", "I am", "am sorry", "me a joke", "thank who", "good afternoon", "good day to you", "how is it", "how do you do",
    "how much is it", "how many", "how far is it", "what can I do", "what do you do", "what do you think", "what is it",
    "what is this", "what day is it", "what is the weather", "who is it", "who is there", "who am I", "who was that",
    "where is it", "when is it", "why is it", "can I help you", "can you help me", "can you see me", "can you tell me",
    "can we go", "do you hear me", "tell me more", "tell me the time", "tell us a joke", "tell him", "take me home",
    "I am here", "I am happy", "I am hungry", "I am sure", "I am story", "he is sorry", "how was your day",
    "good grief", "good news", "good mother", "good knight rider", "could you", "would you", "think of you", "see you",
    "see you later", "love you", "I love you", "help me", "help yourself", "you and me", "who are they", "how are they",
    "how is she", "what are you", "what a joke", "let me hear", "say it again", "come here", "go away", "wait a moment",
    "one moment please", "never mind", "of course", "all right", "no problem", "not now", "maybe later", "I do not know",
    "I think so", "excuse me", "please", "please help", "very good", "you said", "I like", "I like it", "my name is",
    "my pleasure", "you are welcome", "what is the time", "do you know me", "sorry about that",
)  # fmt: skip

# Close enough to a known phrase in meaning that "sorry?" would be the wrong answer to teach.
AMBIGUOUS: frozenset[str] = frozenset(
    "hi hey bye yeah yep yup nope nah ok okay thanks sorry morning night goodnight hullo hallo farewell halt aye "
    "greetings apologies color colour colours colors".split()
)


@cache
def pronunciations() -> dict[str, frozenset[str]]:
    """CMUdict as it comes with pocketsphinx: a word in lower case, its pronunciations (phones without stress)."""
    entries: dict[str, set[str]] = {}
    for line in (Path(get_model_path()) / "en-us" / "cmudict-en-us.dict").read_text().splitlines():
        word, *phones = line.split()
        entries.setdefault(re.sub(r"\(\d+\)$", "", word), set()).add(" ".join(phones))
    return {word: frozenset(spoken) for word, spoken in entries.items()}


def sounds(text: str) -> set[str]:
    """Every way to pronounce a text; empty if a word is not in CMUdict."""
    words = [pronunciations().get(word, frozenset()) for word in text.lower().replace("?", "").split()]
    return {" ".join(ways) for ways in itertools.product(*words)} if words else set()


def common_words(count: int) -> list[str]:
    """The `count` words that pocketsphinx's language model thinks most frequent, names included."""
    model_file = str(Path(get_model_path()) / "en-us" / "en-us.lm.bin")
    model = NGramModel(Config(lm=model_file), LogMath(), model_file)
    words = [word for word in pronunciations() if re.fullmatch("[a-z]{3,}", word)]
    return sorted(words, key=lambda word: (-model.prob([word]), word))[:count]


def unknown_texts(seed: int, words: int = 1300, phrases: int = 250) -> dict[str, int]:
    """Unknown texts to train on, each with its weight (how often it is spoken, relative to the others).

    Near-misses count double: they decide whether the model listens to a whole word.
    """
    generator = np.random.default_rng(seed)
    common = common_words(words + 400)
    weights = {text: 1 for text in common}
    for _ in range(phrases):
        chosen = generator.choice(len(common[:900]), size=generator.integers(2, 5), replace=False)
        weights[" ".join(common[index] for index in chosen)] = 1
    weights.update({text: 2 for text in (*NEAR_MISSES, *PHRASE_MISSES)})

    known = [phrase.says.lower() for phrase in PHRASES]
    forbidden = set().union(*(sounds(text) for text in (*known, *RESERVED)))
    banned = {*known, *(text.lower() for text in RESERVED), *AMBIGUOUS}
    written = {*NEAR_MISSES, *PHRASE_MISSES}

    def usable(text: str) -> bool:
        if text.lower() in banned or sounds(text) & forbidden:
            return False
        # A phrase made up at random must not hold a known word by chance; the written ones do so on purpose.
        return text in written or not any(sounds(word) & forbidden or word in banned for word in text.split())

    return {text: weight for text, weight in weights.items() if usable(text)}
