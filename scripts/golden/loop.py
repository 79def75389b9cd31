"""A whole talk on a complete folder, as PyTorch's server has it (`recv_loop` and `decode_and_send` in moshi/server.py)."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from moshi.models.compression import MimiModel
from moshi.models.lm import LMGen, LMModel

from . import lm_truth, lm_weights, mimi, spm
from .files import read_json, write_golden, write_json
from .lm_case import MIN_MARGIN as MIN_LOGIT_MARGIN
from .lm_case import Unsuitable
from .mimi_case import MIN_MARGIN as MIN_CODE_MARGIN

EVERY = 16  # one decoded sample in so many is kept


@dataclass
class Talk:
    """One entry per frame of the user; None where Moshi is silent still."""

    codes: list = field(default_factory=list)  # i64 [codebooks]
    tokens: list = field(default_factory=list)  # i64 [1 + dep_q], or None
    speech: list = field(default_factory=list)  # f32 [FRAME], or None


def torch_talk(codec: MimiModel, model: LMModel, pcm: np.ndarray) -> Talk:
    """The server's loop: the first frame is encoded and given to the model, which does not read it; then Mimi starts anew."""
    talk, generator = Talk(), LMGen(model, use_sampling=False, check=True)
    skip_frames = 1
    with codec.streaming(1), generator.streaming(1):
        for at in range(0, len(pcm), mimi.FRAME):
            codes = codec.encode(torch.from_numpy(pcm[at : at + mimi.FRAME])[None, None])
            if skip_frames:
                codec.reset_streaming()
                skip_frames -= 1
            tokens = generator.step(codes)
            speech = None if tokens is None else codec.decode(tokens[:, 1:])[0, 0].numpy().copy()
            talk.codes.append(codes[0, :, 0].numpy())
            talk.tokens.append(None if tokens is None else tokens[0, :, 0].numpy().copy())
            talk.speech.append(speech)
    return talk


def _code_margin(codec: MimiModel, pcm: np.ndarray, streams: int) -> float:
    """Of the frames the model reads: those after the first."""
    return mimi.code_margin(codec, mimi.torch_latent(codec, pcm[mimi.FRAME :]), streams)


def write_loop(folder: Path, pcm: np.ndarray, precision: str) -> dict:
    """Writes loop.safetensors and loop.json (the text of each frame); returns the figures measured on the way."""
    config = read_json(folder / "config.json")
    streams = max(config["dep_q"], config["n_q"] - config["dep_q"])
    codec = mimi.load_torch(folder / config["mimi_name"], read_json(folder / config["mimi_config_name"]), streams)
    model = lm_weights.load_torch(folder, config, precision)
    tokenizer = sentencepiece.SentencePieceProcessor(str(folder / config["tokenizer_name"]))
    with lm_truth.recorded(model) as recording:
        talk = torch_talk(codec, model, pcm)
    margin, code_margin = recording.smallest_margin(), _code_margin(codec, pcm, streams)
    if margin < MIN_LOGIT_MARGIN or code_margin < MIN_CODE_MARGIN:
        raise Unsuitable(f"loop margins {margin:.2e} and {code_margin:.2e}")
    silent = np.full(1 + config["dep_q"], -1)
    tokens = np.stack([silent if row is None else row for row in talk.tokens], 1).astype(np.int32)
    wave = np.concatenate([speech for speech in talk.speech if speech is not None])
    write_golden(folder, {"codes": np.stack(talk.codes, 1).astype(np.uint32), "text": tokens[0], "audio": tokens[1:],
                          "decoded_every_16": wave[::EVERY]}, "loop.safetensors")
    write_json(folder / "loop.json", [None if token < 0 else spm.shown(tokenizer, int(token)) for token in tokens[0]])
    return {"frames": len(talk.codes), "min_margin": margin, "min_code_margin": code_margin,
            "decoded_rms": float(np.sqrt(np.mean(wave**2)))}
