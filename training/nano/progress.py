"""Progress of a stage: a bar on a terminal, a line now and then in a log."""

import sys
import time

import torch
from tqdm import tqdm


class Log:
    """Averages losses without waiting for the device at every step."""

    def __init__(self, name: str, steps: int, done: int, every: int = 250, silent: bool = False):
        self.silent = silent
        self.bar = tqdm(total=steps, initial=done, desc=name, unit="step", disable=silent or not sys.stderr.isatty())
        self.every, self.count, self.sums = every, 0, {}
        self.step, self.began, self.first = done, time.monotonic(), done

    def add(self, losses: dict[str, torch.Tensor]) -> None:
        self.step += 1
        self.count += 1
        self.bar.update()
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        if self.count == self.every:
            means = "  ".join(f"{name} {float(value) / self.count:.4f}" for name, value in self.sums.items())
            self.say(means)
            self.count, self.sums = 0, {}

    def say(self, text: str) -> None:
        if self.silent:
            return
        seconds = time.monotonic() - self.began
        rate = (self.step - self.first) / max(1e-3, seconds)
        self.bar.write(f"step {self.step}, {seconds:.0f} s, {rate:.1f}/s: {text}", file=sys.stdout)
        sys.stdout.flush()
