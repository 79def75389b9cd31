"""python -m golden --out testdata: every committed case, written anew."""

import argparse
import importlib.metadata
import platform
import shutil
import sys
from pathlib import Path

from . import cases, lm_case, loop, mimi, mimi_case, spm
from .files import read_json, write_json

SPEECH_FRAMES = 40  # more than ten times what mimi-tiny remembers


def make_spm_tiny(folder: Path, seed: int) -> dict:
    return spm.write_spm_case(folder)


def make_mimi_tiny(folder: Path, seed: int) -> dict:
    """A codec without a language model: config.json, which every folder has, names no weights for one."""
    figures = lm_case.first_suitable(
        lambda s: mimi_case.write_mimi_case(folder, cases.mimi_tiny(), seed=s, frames=SPEECH_FRAMES, keep_every=13), seed)
    config = cases.lm_base()
    write_json(folder / "config.json", config | cases.repository_keys(config, complete=True, precision=None))
    return figures


def make_lm_base(folder: Path, seed: int) -> dict:
    """A complete repository: the codec is mimi-tiny's, its weights in float16 but for the codebooks."""
    config, codec = cases.lm_base(), folder.parent / "mimi-tiny"

    def write(candidate: int) -> dict:
        figures = lm_case.write_lm_case(folder, config, cases.repository_keys(config, complete=True), seed=candidate,
                                        frames=320, forced_frames=16, precisions=["bf16", "q8", "q4"])
        spm.write_tokenizer(folder, cases.TOKENIZER_NAME, config["text_card"])
        shutil.copyfile(codec / "mimi_config.json", folder / cases.MIMI_CONFIG_NAME)
        full = mimi.load_torch(codec / "mimi.safetensors", read_json(codec / "mimi_config.json"), mimi_case.CODEBOOKS)
        mimi.write_mimi(folder / cases.MIMI_NAME, full, half=True)
        return figures | {"loop": loop.write_loop(folder, mimi_case.read_pcm(codec), "q8")}

    return lm_case.first_suitable(write, seed)


def make_lm_odd(folder: Path, seed: int) -> dict:
    config = cases.lm_odd()
    keys = cases.repository_keys(config, complete=False, precision="q4")
    return lm_case.first_suitable(
        lambda s: lm_case.write_lm_case(folder, config, keys, seed=s, frames=320, forced_frames=40,
                                        precisions=["bf16", "q4"]), seed)


# In this order: lm-base takes its codec from mimi-tiny.
CASES = {"spm-tiny": make_spm_tiny, "mimi-tiny": make_mimi_tiny, "lm-base": make_lm_base, "lm-odd": make_lm_odd}
PACKAGES = ("moshi", "moshi_mlx", "rustymimi", "mlx", "torch", "numpy", "safetensors", "sentencepiece")


def main() -> None:
    parser = argparse.ArgumentParser(prog="golden", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets one subfolder per case")
    parser.add_argument("--seed", type=int, default=1, help="first seed tried for every case (default 1)")
    parser.add_argument("cases", nargs="*", help=f"which cases (default all): {' '.join(CASES)}")
    arguments = parser.parse_args()
    unknown = set(arguments.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {' '.join(sorted(unknown))}")

    summary = arguments.out / "figures.json"
    known = read_json(summary)["cases"] if summary.exists() else {}
    for name, make in CASES.items():
        if arguments.cases and name not in arguments.cases:
            continue
        print(f"{name} ...", file=sys.stderr)
        folder = arguments.out / name
        shutil.rmtree(folder, ignore_errors=True)
        known[name] = make(folder, arguments.seed)
        for path in folder.iterdir():
            path.chmod(0o644)
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    versions["python"] = ".".join(platform.python_version_tuple()[:2])
    write_json(summary, {"versions": versions, "cases": {name: known[name] for name in CASES if name in known}})


main()
