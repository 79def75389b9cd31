"""Reading and writing checkpoint folders, always to the same bytes."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_golden(folder: Path, tensors: dict[str, np.ndarray], name: str = "golden.safetensors") -> None:
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, folder / name)


def read_golden(folder: Path, name: str = "golden.safetensors") -> dict[str, np.ndarray]:
    return load_file(folder / name)
