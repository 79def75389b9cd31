"""python store_fetch.py ENDPOINT COMMIT FILE: huggingface_hub as it is, of the repository `lab/tiny`; prints one line of JSON.

`HF_HUB_CACHE` says where to.
"""

import json
import sys

from huggingface_hub import hf_hub_download

endpoint, commit, file = sys.argv[1:]
try:
    path = hf_hub_download("lab/tiny", file, revision=commit, endpoint=endpoint)
    print(json.dumps({"outcome": "done", "path": path}))
except Exception as error:  # noqa: BLE001 - whatever it is, it is what the client says
    print(json.dumps({"outcome": "error", "message": f"{type(error).__name__}: {error}"}))
