"""The three clients as programs, each run with folders of its own, and what became of the file."""

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from .store_hub import COMMIT, WEIGHTS

NAMES = ["moshibar-store", "hf-hub", "huggingface_hub"]


@dataclass
class Run:
    """One start of a client. `outcome`: right, wrong (it says it is done, and it is not), error, hangs, or killed."""

    outcome: str
    seconds: float
    says: str = ""
    outside: list[str] = field(default_factory=list)


class Client:
    """A client in an empty folder. Only what is in `home` is its own."""

    def __init__(self, name: str, programs: Path, endpoint: str, sha256: str, folder: Path) -> None:
        self.name, self.sha256, self.folder = name, sha256, folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.command = {
            "moshibar-store": [programs / "store_client", "pull", endpoint, self.home / "library", "--impatient"],
            "hf-hub": [programs / "plain_hf_hub", endpoint, COMMIT, WEIGHTS],
            "huggingface_hub": [sys.executable, Path(__file__).with_name("store_fetch.py"), endpoint, COMMIT, WEIGHTS],
        }[name]

    def start(self) -> subprocess.Popen:
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "TMPDIR")}
        environment = kept | {
            "HOME": str(self.home), "HF_HOME": str(self.home), "HF_HUB_CACHE": str(self.home / "hub"),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.Popen(self.command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def run(self, limit_s: float) -> Run:
        begun = time.monotonic()
        return self.end(self.start(), begun, limit_s)

    def end(self, process: subprocess.Popen, begun: float, limit_s: float) -> Run:
        """Waits for the end of a process that began then, and looks at what it left."""
        try:
            output, _ = process.communicate(timeout=max(0.0, begun + limit_s - time.monotonic()))
            seconds = time.monotonic() - begun
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Run("hangs", limit_s, outside=self.outside())
        if process.returncode < 0:
            return Run("killed", seconds)
        report = json.loads(output) if process.returncode == 0 else {"outcome": "error", "message": "no report"}
        if report["outcome"] == "done":
            outcome = "right" if self.is_right(Path(report["path"])) else "wrong"
        else:
            outcome = "error"
        says = report.get("code") or report.get("message", "")
        return Run(outcome, seconds, says, self.outside())

    def is_right(self, path: Path) -> bool:
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256

    def outside(self) -> list[str]:
        """What was written beside the client's own folder."""
        return sorted(path.name for path in self.folder.iterdir() if path != self.home)
