"""Part `fresh`: random small repositories, every precision, greedy tokens and codec against PyTorch."""

from pathlib import Path

from golden import fresh, lm_weights, mimi_case
from golden.files import read_golden, read_json, write_json

from .program import Program
from .report import Report

ALLOWED_PCM = 2e-5  # float32 rounding: moshi_mlx with PyTorch's masks is within 2e-6 on such cases


def use(folder: Path, file: str) -> None:
    write_json(folder / "config.json", read_json(folder / "config.json") | {"moshi_name": file})


def check(work: Path, report: Report, program: Program | None, *, count: int, seed: int) -> None:
    for number in range(count):
        folder = work / f"fresh-{number}"
        figures = fresh.write_case(folder, 1000 * seed + 100 * number)
        golden, codec = read_golden(folder), read_golden(folder, "golden_mimi.safetensors")
        case = f"fresh {figures['lm']['seed']}"
        margin = min(figures["lm"][precision]["min_margin"] for precision in lm_weights.FILES)
        report.line(case, None, f"smallest logit margin {margin:.1e}, smallest code margin {figures['mimi']['min_code_margin']:.1e}")
        if program is None:
            continue
        for precision, file in lm_weights.FILES.items():
            use(folder, file)
            found = program.generate(folder, golden["user_codes"], folder)
            report.tokens(f"{case}: generate {precision}", (golden[f"{precision}.text"], golden[f"{precision}.audio"]), found)
        streams = program.encode(folder, mimi_case.read_pcm(folder, "golden_mimi.safetensors"), folder)
        report.codes(f"{case}: encode", codec["codes"][: len(streams)], streams, 1.0)
        report.speech(f"{case}: decode", codec["decoded"], program.decode(folder, codec["codes"], folder), ALLOWED_PCM)
