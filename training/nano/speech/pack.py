"""The corpus as Ogg Opus: small enough to be sent to a machine that trains faster.

`python -m nano pack` reads training/work/corpus/ and writes training/work/packed/, with the same clips.json and phones.json
(but for the shards' names). libsndfile takes Opus's delay back but for a sample, so positions stay valid; this is checked
shard by shard.
"""

import argparse
import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from nano.speech.corpus import FOLDER
from nano.speech.synthesisers import RATE_HZ, TRAINING

PACKED = TRAINING / "work" / "packed"


def opus_level(bits_per_second: int) -> float:
    """libsndfile's compression level for a mono bit rate: 0 is 256 kbit/s, 1 is 6 kbit/s, linear between."""
    return (256_000 - bits_per_second) / 250_000


def write_opus(path: Path, samples: np.ndarray, bits_per_second: int) -> None:
    """Writes mono 24 kHz audio ([T], −1 to 1) as Ogg Opus."""
    with soundfile.SoundFile(
        path, "w", RATE_HZ, 1, format="OGG", subtype="OPUS",
        compression_level=opus_level(bits_per_second),
    ) as file:  # fmt: skip
        # In blocks: libsndfile keeps a whole write on the stack.
        for first in range(0, len(samples), RATE_HZ):
            file.write(samples[first : first + RATE_HZ])


def shift_samples(original: np.ndarray, coded: np.ndarray, reach: int = 400) -> int:
    """By how many samples `coded` lags behind `original` (both [T], 24 kHz), at most `reach` either way."""
    piece = original[reach : len(original) - reach]
    match = [np.dot(piece, coded[shift : shift + len(piece)]) for shift in range(2 * reach)]
    return int(np.argmax(match)) - reach


def pack_shard(name: str, bits_per_second: int) -> list[int]:
    """Packs one shard; returns by how many samples it is shifted near its beginning and at its end (a drift would show)."""
    samples, _ = soundfile.read(FOLDER / name, dtype="float32")
    packed = PACKED / name.replace(".flac", ".opus")
    write_opus(packed, samples, bits_per_second)
    coded, _ = soundfile.read(packed, dtype="float32")
    if len(coded) != len(samples):
        raise SystemExit(f"{packed}: {len(coded)} samples, not {len(samples)}")
    return [shift_samples(samples[part], coded[part]) for part in (slice(0, 10**5), slice(-(10**5), None))]


def main(arguments: list[str]) -> None:
    """Packs the corpus."""
    parser = argparse.ArgumentParser(prog="nano pack", description=__doc__)
    parser.add_argument("--kbps", type=float, default=28, help="bit rate in kbit/s")
    options = parser.parse_args(arguments)
    clips = json.loads((FOLDER / "clips.json").read_text())
    shutil.rmtree(PACKED, ignore_errors=True)
    PACKED.mkdir(parents=True)
    names = sorted({clip["shard"] for clip in clips})
    pack = partial(pack_shard, bits_per_second=round(1000 * options.kbps))
    with ProcessPoolExecutor() as pool:
        shifts = [shift for found in tqdm(pool.map(pack, names), total=len(names), unit="shard") for shift in found]
    for clip in clips:
        clip["shard"] = clip["shard"].replace(".flac", ".opus")
    (PACKED / "clips.json").write_text(
        "[\n" + ",\n".join(json.dumps(clip, ensure_ascii=False) for clip in clips) + "\n]\n"
    )
    shutil.copy(FOLDER / "phones.json", PACKED)
    size = sum(file.stat().st_size for file in PACKED.iterdir())
    print(f"{len(clips)} clips, {size / 1e6:.1f} MB, shards shifted by {min(shifts)} to {max(shifts)} samples: {PACKED}")
