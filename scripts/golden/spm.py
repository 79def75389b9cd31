"""Tiny SentencePiece models with Kyutai's ids (0 unknown and end of padding, 1 start, 2 end, 3 padding), and what they decode to."""

import io
import json
from pathlib import Path

import numpy as np
import sentencepiece

from .files import write_json

# Sentences written for this purpose.
SENTENCES = [
    "hello there, how are you today?", "i am fine, and you?", "let us talk about the weather.",
    "the river runs under the old bridge.", "you said seven, or was it eleven?", "no, i said nothing at all.",
    "she sells warm bread near the station.", "are we there yet?", "it's ten past two already.",
    "the moon was full and the sea was quiet.", "please tell me another story.", "yes, of course i will.",
    "where did the small boat go?", "it went north, past the lighthouse.", "that sounds like a good plan.",
    "thank you, good night, and see you soon.",
]


def train(vocabulary: int, byte_fallback: bool) -> bytes:
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4), model_writer=writer, vocab_size=vocabulary, model_type="unigram",
        unk_id=0, bos_id=1, eos_id=2, pad_id=3, byte_fallback=byte_fallback, normalization_rule_name="identity",
        num_threads=1, hard_vocab_limit=True, minloglevel=2,
    )
    return writer.getvalue()


def piece_type(processor, index: int) -> str:
    for name in ("unknown", "control", "unused", "byte"):
        if getattr(processor, f"is_{name}")(index):
            return name
    return "normal"


def describe(model: bytes, seed: int) -> dict:
    """Every piece, and the text the official decoder makes of some id sequences (whole and piece by piece)."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    rng = np.random.default_rng(seed)
    size = processor.vocab_size()
    examples = [processor.encode(sentence) for sentence in SENTENCES[:4] + ["naïve café, 日本!"]]
    examples += [[int(i) for i in rng.integers(0, size, 12)] for _ in range(4)]
    return {
        "vocab_size": size,
        "pieces": [{"id": i, "piece": processor.id_to_piece(i), "score": processor.get_score(i),
                    "type": piece_type(processor, i)} for i in range(size)],
        "decode": [{"ids": ids, "text": processor.decode(ids)} for ids in examples],
    }


def write_spm_case(folder: Path, seed: int) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    model = train(340, byte_fallback=True)
    (folder / "tokenizer_spm_tiny.model").write_bytes(model)
    described = describe(model, seed)
    write_json(folder / "pieces.json", described)
    return {"pieces": described["vocab_size"]}


def write_tokenizer(folder: Path, name: str, vocabulary: int) -> None:
    """The tokenizer of an LM case: as many pieces as the LM has text tokens."""
    (folder / name).write_bytes(train(vocabulary, byte_fallback=False))
