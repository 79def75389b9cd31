"""Training on several GPUs of one machine: `torchrun --nproc-per-node N -m nano STAGE …`. In a single process all of this does nothing.

Every GPU draws batches of its own; gradients are averaged, so that the models stay the same. Codebooks average themselves.
"""

import os
from collections.abc import Iterable

import torch
from torch import distributed

AGREE_EVERY = 16  # steps: to agree is to wait for the device


def join(device: str) -> tuple[str, int]:
    """Joins the other processes, if there are any. Returns this one's device and its number."""
    if "LOCAL_RANK" not in os.environ:
        return device, 0
    number = int(os.environ["LOCAL_RANK"])
    if device == "cpu":
        distributed.init_process_group("gloo")
        return device, number
    torch.cuda.set_device(number)
    distributed.init_process_group("nccl", device_id=torch.device("cuda", number))
    return f"cuda:{number}", number


def leave() -> None:
    """Ends what [`join`] began."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """In one message."""
    if not distributed.is_initialized():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    parts = flat.split([gradient.numel() for gradient in gradients])
    torch._foreach_copy_(gradients, [part.view_as(gradient) for part, gradient in zip(parts, gradients)])


class Agreed:
    """A progress that all processes share: clocks differ, and all must end at the same step."""

    def __init__(self, device: str):
        self.device, self.value = device, 0.0

    def at(self, step: int, progress: float) -> float:
        """The first process's progress, at most AGREE_EVERY steps old."""
        if not distributed.is_initialized():
            return progress
        if step % AGREE_EVERY == 0:
            shared = torch.tensor(progress, device=self.device, dtype=torch.float64)
            distributed.broadcast(shared, 0)
            self.value = float(shared)
        return self.value
