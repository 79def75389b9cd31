"""Part `mimi`: a codec of the released size and file name with random weights, against PyTorch, rustymimi and moshi_mlx."""

from pathlib import Path

import numpy as np
import rustymimi
from golden import cases, lm_weights, mimi, spm
from golden.files import read_golden, write_golden, write_json
from moshi.models import loaders

from .program import Program
from .report import Report

CODEBOOKS = 8
REQUIRED_CODES = 0.999
ALLOWED_PCM = 1e-4


def write_repository(folder: Path, seed: int) -> None:
    """The codec under its released name, without mimi_config.json, beside an LM that is only there to be complete."""
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    model = mimi.new_torch(loaders._mimi_config, CODEBOOKS)
    mimi.randomise(model, rng, training_frames=150)
    mimi.write_mimi(folder / loaders.MIMI_NAME, model)
    config = cases.lm_base() | {"card": loaders._mimi_config["quantizer"]["bins"]}
    lm_weights.write_checkpoints(folder, config, lm_weights.random_torch_weights(config, rng), ["q8"])
    spm.write_tokenizer(folder, cases.TOKENIZER_NAME, config["text_card"])
    names = {"moshi_name": lm_weights.FILES["q8"], "mimi_name": loaders.MIMI_NAME, "tokenizer_name": cases.TOKENIZER_NAME}
    write_json(folder / "config.json", config | names)


def torch_truth(folder: Path, pcm: np.ndarray) -> dict[str, np.ndarray]:
    model = mimi.load_torch(folder / loaders.MIMI_NAME, loaders._mimi_config, CODEBOOKS)
    codes, latent = mimi.torch_encode(model, pcm), mimi.torch_latent(model, pcm)
    margin = mimi.code_margin(model, latent, CODEBOOKS)
    return {"pcm": pcm, "codes": codes, "decoded": mimi.torch_decode(model, codes), "margin": np.array([margin], np.float32)}


def rustymimi_outputs(path: Path, pcm: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    codec = rustymimi.Tokenizer(str(path), num_codebooks=CODEBOOKS)
    found = [codec.encode_step(pcm[None, None, at : at + mimi.FRAME]) for at in range(0, len(pcm), mimi.FRAME)]
    codec.reset()
    spoken = [codec.decode_step(codes[None, :, at : at + 1].astype(np.uint32)) for at in range(codes.shape[1])]
    return np.concatenate(found, 2)[0], np.concatenate(spoken, 2)[0, 0]


def check(work: Path, report: Report, program: Program | None, *, frames: int, seed: int, variants: list[str]) -> None:
    folder = work / f"full-mimi-{seed}"
    write_repository(folder, seed)
    path = folder / loaders.MIMI_NAME
    known = f"truth-{frames}.safetensors"
    if not (folder / known).exists():
        write_golden(folder, torch_truth(folder, mimi.signal(np.random.default_rng(seed + 1), frames)), known)
    truth = read_golden(folder, known)
    pcm, codes, decoded = truth["pcm"], truth["codes"], truth["decoded"]
    distinct = [len(np.unique(row)) for row in codes]
    report.line("full Mimi", None, f"{frames} frames, distinct codes {distinct}, smallest code margin {truth['margin'][0]:.1e}")

    found, spoken = rustymimi_outputs(path, pcm, codes)
    report.codes("rustymimi vs PyTorch: encode", codes, found, None)
    report.speech("rustymimi vs PyTorch: decode", decoded, spoken, None)
    if program is not None:
        ours, ours_spoken = program.encode(folder, pcm, folder), program.decode(folder, codes, folder)
        report.codes("moshibar vs PyTorch: encode", codes, ours, REQUIRED_CODES)
        report.speech("moshibar vs PyTorch: decode", decoded, ours_spoken, ALLOWED_PCM)
        report.codes("moshibar vs rustymimi: encode", found, ours, None)
        report.speech("moshibar vs rustymimi: decode", spoken, ours_spoken, None)
    if variants:
        model = mimi.new_mlx(path, loaders._mimi_config, CODEBOOKS)
    for variant in variants:
        with mimi.mlx_patches(**mimi.PATCHES[variant]):
            report.codes(f"moshi_mlx {variant} vs PyTorch: encode", codes, mimi.mlx_encode(model, pcm), None)
            report.speech(f"moshi_mlx {variant} vs PyTorch: decode", decoded, mimi.mlx_decode(model, codes), None)
