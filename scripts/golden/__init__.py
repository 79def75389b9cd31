"""Golden truth: tiny random checkpoints in the published formats, with what the official implementations compute on them.

Everything runs on the CPU in float32 and on one thread, so that a second run writes the same bytes.
"""

import os

os.environ.setdefault("NO_TORCH_COMPILE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NO_CUDA_GRAPH", "1")

import mlx.core as mx  # noqa: E402
import torch  # noqa: E402

mx.set_default_device(mx.cpu)
torch.set_num_threads(1)
torch.set_grad_enabled(False)
