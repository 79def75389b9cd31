"""Tiny SentencePiece models with Kyutai's ids (0 unknown and end of padding, 1 start, 2 end, 3 padding), and what is shown of them."""

import io
from pathlib import Path

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


def shown(processor: sentencepiece.SentencePieceProcessor, token: int) -> str | None:
    """What PyTorch's server shows of a text token: nothing of 0 (end of padding) and 3 (padding), else its piece."""
    return None if token in (0, 3) else processor.id_to_piece(token).replace("\u2581", " ")


def write_spm_case(folder: Path) -> dict:
    """A tokenizer with pieces of every type, bytes too, and shown.json: what is shown of each token."""
    folder.mkdir(parents=True, exist_ok=True)
    model = train(340, byte_fallback=True)
    (folder / "tokenizer_spm_tiny.model").write_bytes(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    write_json(folder / "shown.json", [shown(processor, token) for token in range(processor.vocab_size())])
    return {"pieces": processor.vocab_size()}


def write_tokenizer(folder: Path, name: str, vocabulary: int) -> None:
    """The tokenizer of an LM case: as many pieces as the LM has text tokens."""
    (folder / name).write_bytes(train(vocabulary, byte_fallback=False))
