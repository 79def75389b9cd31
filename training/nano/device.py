"""Settings of PyTorch that every stage wants."""

import os

import torch


def prepare() -> None:
    """Fast matrix units on a GPU; on a CPU, no denormals: digital silence makes them, and they are fifteen times slower."""
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    torch.set_flush_denormal(True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", min(4, os.cpu_count() or 1))))
