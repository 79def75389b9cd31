"""Phones of a text, for the codec's semantic codebook: espeak-ng's IPA cut down to a small inventory."""

from nano.speech.synthesisers import Espeak

# Longest first where one begins another.
PHONES: tuple[str, ...] = (
    "tʃ", "dʒ", "aɪ", "aʊ", "eɪ", "oʊ", "ɔɪ", "iː", "uː", "ɑː", "ɔː", "ɜː", "oː",
    "p", "b", "t", "d", "k", "ɡ", "f", "v", "θ", "ð", "s", "z", "ʃ", "ʒ", "h", "m", "n", "ŋ", "l", "ɹ", "w", "j", "ɾ", "ʔ",
    "æ", "ɛ", "ɪ", "ᵻ", "ɑ", "ʌ", "ʊ", "ə", "ɐ", "ɚ", "i", "ɔ", "ɒ", "x",
)  # fmt: skip
_SAME = {"n\u0329": "ən", "l\u0329": "əl", "r": "ɹ", "ɬ": "l", "g": "ɡ", "e": "ɛ", "o": "oʊ", "u": "ʊ", "a": "æ", "ɜ": "ɜː", "ç": "h"}
_IGNORED = set("_ ː-\u0329\u0303\u200d")  # separators, length, syllabic and nasal marks, the joiner of diphthongs


def split_phones(ipa: str) -> list[str]:
    """IPA as espeak-ng writes it, cut into members of `PHONES`; stress and word boundaries are dropped."""
    phones: list[str] = []
    rest = ipa.replace("ˈ", "").replace("ˌ", "")
    for strange, plain in _SAME.items():
        if len(strange) > 1:
            rest = rest.replace(strange, plain)
    while rest:
        found = next((phone for phone in PHONES if rest.startswith(phone)), None)
        if found is None and rest[0] in _SAME:
            rest = _SAME[rest[0]] + rest[1:]
        elif found is None:
            if rest[0] not in _IGNORED:
                raise ValueError(f"unknown sound {rest[0]!r} (U+{ord(rest[0]):04X}) in {ipa!r}")
            rest = rest[1:]
        else:
            phones.append(found)
            rest = rest[len(found) :]
    return phones


def phones_of(texts: list[str]) -> dict[str, list[str]]:
    """The phones of each text, in American English."""
    return {text: split_phones(ipa) for text, ipa in zip(texts, Espeak.phonemes(texts))}
