"""The stages of making nano, one command each: `python -m nano STAGE`, run in training/."""

import importlib
import sys

STAGES = {
    "replies": "nano.speech.replies",
    "corpus": "nano.speech.corpus",
    "pack": "nano.speech.pack",
    "testset": "nano.speech.testset",
    "tokenizer": "nano.tokenizer",
    "codec": "nano.codec_training",
    "codec-try": "nano.codec_trial",
    "lm": "nano.lm_training",
    "decoder": "nano.decoder_training",
    "tokens": "nano.tokens",
    "tune": "nano.lm_tuning",
    "try": "nano.trial",
    "export": "nano.export",
}


def main() -> None:
    """Runs the stage that the first argument names."""
    if len(sys.argv) < 2 or sys.argv[1] not in STAGES:
        raise SystemExit(f"usage: python -m nano {{{','.join(STAGES)}}} [options]")
    importlib.import_module(STAGES[sys.argv[1]]).main(sys.argv[2:])


if __name__ == "__main__":
    main()
