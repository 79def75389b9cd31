"""One line per comparison, and whether all of them passed."""

import numpy as np


class Report:
    def __init__(self) -> None:
        self.failed = 0

    def line(self, name: str, passed: bool | None, detail: str) -> None:
        """`passed` None: a figure without a verdict."""
        self.failed += passed is False
        verdict = {True: "pass", False: "FAIL", None: "    "}[passed]
        print(f"{verdict}  {name:44} {detail}", flush=True)

    def tokens(self, name: str, truth: tuple, found: tuple) -> None:
        """Exact equality of (text, audio)."""
        expected, actual = np.vstack(truth), np.vstack(found)
        if expected.shape != actual.shape:
            self.line(name, False, f"shape {actual.shape}, expected {expected.shape}")
            return
        wrong = (expected != actual).any(0)
        detail = f"{expected.shape[1]} frames of {expected.shape[0]} tokens"
        if wrong.any():
            detail += f": {wrong.sum()} differ, the first is frame {int(wrong.argmax())}"
        self.line(name, not wrong.any(), detail)

    def codes(self, name: str, truth: np.ndarray, found: np.ndarray, required: float | None) -> None:
        if truth.shape != found.shape:
            self.line(name, None if required is None else False, f"shape {found.shape}, expected {truth.shape}")
            return
        share = float((truth == found).mean())
        first = float((truth[0] == found[0]).mean())
        self.line(name, None if required is None else share >= required, f"{share:.2%} of codes equal, {first:.2%} in codebook 0")

    def speech(self, name: str, truth: np.ndarray, found: np.ndarray, allowed: float | None) -> None:
        if truth.shape != found.shape:
            self.line(name, None if allowed is None else False, f"shape {found.shape}, expected {truth.shape}")
            return
        worst = float(np.abs(truth - found).max())
        rms = float(np.sqrt(np.mean(truth**2)))
        self.line(name, None if allowed is None else worst <= allowed, f"largest difference {worst:.1e}, speech RMS {rms:.2f}")
