"""Trains the language model further on talks put together from codes: for a CPU, after `lm`."""

import time
from pathlib import Path

import torch

from .architecture import CODEBOOKS
from .clips import load_clips
from .codec import load_codec
from .device import prepare
from .lm_training import corrupted, losses
from .progress import Log
from .reply_codes import load_pieces, reply_codes, steady_silence
from .schedule import adam, arguments_of, descend, set_rate
from .tokens import TokenTalks, load_pieces_of_talk


def main(arguments: list[str]) -> None:
    from moshi.models.lm import LMModel

    parser = arguments_of("tune", __doc__, "corpus", "replies", "tokenizer", "codec")
    parser.add_argument("--pieces", type=Path, nargs="+", default=[Path("work/tokens.pt")])
    parser.add_argument("--warm", type=Path, required=True, help="the checkpoint to begin with")
    parser.add_argument("--out", type=Path, default=Path("work/lm_tuned.pt"))
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=128)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--corrupt", type=float, default=0.06, help="share of the user's codes replaced by others")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    prepare()
    torch.manual_seed(options.seed)
    clips = load_clips(options.corpus, options.replies, "cpu", only_replies=True)
    codec, config = load_codec(options.codec, "cpu")
    silence = steady_silence(codec, "cpu")
    replies = reply_codes(codec, clips, load_pieces(options.tokenizer), "cpu")
    pieces = load_pieces_of_talk(options.pieces)
    saved = torch.load(options.warm, map_location="cpu")
    model = LMModel(dtype=torch.float32, device="cpu", **saved["config"]).train()
    model.load_state_dict(saved["lm"])
    optimiser = adam(model.parameters(), (0.9, 0.98), 0.05, "cpu")
    draws = torch.Generator().manual_seed(options.seed)
    bins = config["quantizer"]["bins"]
    talks = TokenTalks(pieces, replies, silence, options.seed)
    log = Log("tuning", 0, 0, every=100)

    def validate() -> str:
        """On speakers that were not trained on; the same talks each time."""
        model.eval()
        unheard = TokenTalks(pieces, replies, silence, 99, validation=True)
        sums: dict[str, float] = {}
        with torch.no_grad():
            for _ in range(8):
                batch = unheard.batch(24, options.frames)
                for name, value in losses(model, batch["text"], batch["own"], batch["user"], batch["speaking"], batch["own"]).items():
                    sums[name] = sums.get(name, 0) + float(value) / 8
        model.train()
        return "validation " + "  ".join(f"{name} {value:.4f}" for name, value in sums.items())

    log.say(validate())
    began, step = time.monotonic(), 0
    while (progress := (time.monotonic() - began) / options.seconds) < 1:
        set_rate(optimiser, options.rate, step, 100, progress)
        batch = talks.batch(options.batch, options.frames)
        user, own = corrupted(batch["user"], options.corrupt, bins, draws), corrupted(batch["own"], 0.01, bins, draws)
        assert user.shape[1] == CODEBOOKS
        result = losses(model, batch["text"], batch["own"], user, batch["speaking"], own)
        descend(optimiser, result["text"] + result["audio"], list(model.parameters()), 1.0)
        step += 1
        log.add({name: value.detach() for name, value in result.items()})
        if step % 500 == 0:
            log.say(validate())
            torch.save({"config": saved["config"], "lm": model.state_dict(), "step": step, "seconds": time.monotonic() - began}, options.out)
    log.say(validate())
    torch.save({"config": saved["config"], "lm": model.state_dict(), "step": step, "seconds": time.monotonic() - began}, options.out)
