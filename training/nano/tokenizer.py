"""nano's text: one SentencePiece piece per word of its replies."""

import argparse
import io
from pathlib import Path

import sentencepiece

from .architecture import TEXT_EPAD, TEXT_PAD
from .phrases import all_replies


def load_tokenizer(path: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(str(path))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m nano tokenizer", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("work/tokenizer_spm_nano.model"))
    options = parser.parse_args(arguments)
    words = {word for reply in all_replies() for word in reply.split()}
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(all_replies() * 20),
        model_writer=model,
        model_type="word",
        vocab_size=len(words) + 4,
        hard_vocab_limit=False,
        unk_id=TEXT_EPAD,
        bos_id=1,
        eos_id=2,
        pad_id=TEXT_PAD,
        normalization_rule_name="identity",  # the default one weighs 240 kB
        minloglevel=2,
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(model.getvalue())
    pieces = load_tokenizer(options.out)
    for reply in all_replies():
        if pieces.decode(pieces.encode(reply)) != reply:
            raise SystemExit(f"The tokenizer does not give back {reply!r}.")
    print(f"{pieces.vocab_size()} pieces, {len(model.getvalue())} bytes: {options.out}")
