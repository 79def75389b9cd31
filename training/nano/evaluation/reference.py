"""Kyutai's PyTorch modules with the published files, in f32: another implementation to hold the program against.

Needs PyTorch and `moshi` (training/requirements.txt); the weights are those of the bf16 file.
"""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import torch

from nano.architecture import CODEBOOKS, FRAME_SAMPLES, TEXT_PAD, lm_config
from nano.codec import new_codec
from nano.device import prepare
from nano.evaluation.program import FRAME_S, Answer, Talk, Word

ASSETS = Path(__file__).resolve().parents[3] / "assets/nano"


# The published files name tensors as Kyutai's MLX code does; these are the same in their PyTorch code.
RENAMED = (
    (r"^audio_embs\.", "emb."),
    (r"^depformer\.slices\.0\.emb\.", "depformer_text_emb."),
    (r"^depformer\.slices\.(\d+)\.emb\.", lambda match: f"depformer_emb.{int(match[1]) - 1}."),
    (r"^depformer\.slices\.(\d+)\.linear_in\.", r"depformer_in.\1."),
    (r"^depformer\.slices\.(\d+)\.linear_out\.", r"linears.\1."),
    (r"^depformer\.slices\.(\d+)\.transformer\.(.*\.self_attn\.(?:in|out)_proj)\.", r"depformer.\2s.\1."),
    (r"^depformer\.slices\.(\d+)\.transformer\.(.*\.gating)\.", r"depformer.\2.\1."),
    (r"^depformer\.slices\.\d+\.transformer\.(.*\.norm\d)\.", r"depformer.\1."),  # one for all steps
    (r"norm(\d?)\.weight$", r"norm\1.alpha"),
)


def torch_name(name: str) -> str:
    """A tensor of the published language model as `moshi.models.lm` calls it."""
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


@cache
def _models(folder: Path):
    from moshi.models.lm import LMModel
    from safetensors.torch import load_file
    from sentencepiece import SentencePieceProcessor

    prepare()
    codec = new_codec(json.loads((folder / "mimi_config.json").read_text()), "cpu")
    codec.load_state_dict({name: value.float() for name, value in load_file(folder / "mimi.safetensors").items()})
    config = json.loads((folder / "config.json").read_text())
    language_model = LMModel(dtype=torch.float32, device="cpu", **{name: config[name] for name in lm_config(1)})
    weights = {torch_name(name): value.float() for name, value in load_file(folder / "model.safetensors").items()}
    weights = {name: value.view(1, 1, -1) if name.endswith("alpha") else value for name, value in weights.items()}
    language_model.load_state_dict(weights)
    pieces = SentencePieceProcessor(model_file=str(folder / config["tokenizer_name"]))
    return codec.eval(), language_model.eval(), config["lm_gen_config"], pieces


def talker(model: str) -> Talk:
    """Talks with the model in this folder, or with nano."""
    from moshi.models.lm import LMGen

    codec, language_model, sampling, pieces = _models(ASSETS if model == "nano" else Path(model))

    @torch.no_grad()
    def talk(audio: np.ndarray, seed: int) -> Answer:
        torch.manual_seed(seed)
        generator = LMGen(language_model, **sampling)
        frames = -(-len(audio) // FRAME_SAMPLES)
        heard = torch.from_numpy(np.pad(audio, (0, frames * FRAME_SAMPLES - len(audio)))).float()
        own, words = np.zeros(frames * FRAME_SAMPLES, np.float32), []
        with codec.streaming(1), generator.streaming(1):
            for frame, sound in enumerate(heard.split(FRAME_SAMPLES)):
                said = generator.step(codec.encode(sound[None, None]))
                if said is None:
                    continue
                begin = frame * FRAME_SAMPLES
                own[begin : begin + FRAME_SAMPLES] = codec.decode(said[:, 1 : 1 + CODEBOOKS])[0, 0].numpy()
                token = int(said[0, 0, 0])
                if token <= TEXT_PAD:
                    continue
                piece = pieces.id_to_piece(token)
                if piece.startswith("▁") or not words:
                    words.append(Word(piece.lstrip("▁"), frame * FRAME_S))
                else:
                    words[-1] = Word(words[-1].text + piece, words[-1].start_s)
        return Answer(own[: len(audio)], words)

    return talk
