"""The test hub as a process of its own, with the model `lab/tiny`, and how to change and question it while it runs."""

import json
import subprocess
import urllib.request
from pathlib import Path

COMMIT = "18e4df760a34d5977a34517d7d1580e07acbb2f1"
WEIGHTS = "model.q4.safetensors"
# What the store fetches beside the weights. Small, so that the bytes on the wire are those of the weights.
BESIDE = [{"path": "tokenizer-e351c8d8-checkpoint125.safetensors", "kind": "random", "seed": 2, "size": 1_001},
          {"path": "tokenizer_spm_32k_3.model", "kind": "random", "seed": 3, "size": 234}]

# Loopback is never asked for through a proxy.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Hub:
    """A hub with these weights (a file of a scenario). Large files are on another host, as on the real one."""

    def __init__(self, program: Path, weights: dict) -> None:
        files = [{"path": WEIGHTS} | weights, *BESIDE]
        scenario = {"repositories": [{"id": "lab/tiny", "commit": COMMIT, "files": files}],
                    "behaviour": {"redirects": "other_host"}}
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(scenario))
        self.process.stdin.flush()
        self.endpoint = json.loads(self.process.stdout.readline())["endpoint"]

    def behave(self, rules: list[dict] | None = None, **manners: int) -> None:
        """Sets how it behaves from now on, and its counters to zero."""
        self._ask("/__rules", {"redirects": "other_host", "rules": rules or []} | manners)
        self._ask("/__reset", {})

    def counters(self) -> dict:
        return self._ask("/__counters")

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def _ask(self, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        with _opener.open(urllib.request.Request(self.endpoint + path, data=data)) as answer:
            return json.load(answer)
