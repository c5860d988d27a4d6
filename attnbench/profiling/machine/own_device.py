"""The device of a process that works with others: of several on GPUs each has its own."""

from __future__ import annotations

import torch

from attnbench.errors import UserError
from attnbench.profiling.machine.environment import choose_device
from attnbench.together import Place


def shared_device(name: str, place: Place) -> torch.device:
    """What processes of this machine are to work on, before each takes its own.

    Args:
        name: as `--device` takes it.
        place: of this process, or of any other one.

    Raises:
        UserError: there are more processes on this machine than GPUs, or one GPU is asked for.
    """
    device = choose_device(name)
    if place.size == 1 or device.type != "cuda":
        return device
    if device.index is not None:
        raise UserError(f"--device {name}: several processes take a GPU each; give --device cuda")
    count = torch.cuda.device_count()
    if place.local_size > count and not (count == 1 and place.sees_one_gpu):
        raise UserError(
            f"--nproc: expected at most {count} processes on this machine, one for each GPU, got "
            f"{place.local_size}; start fewer, or give --device cpu"
        )
    return device


def device_of(place: Place, name: str) -> torch.device:
    """The device of this process.

    Args:
        place: of this process.
        name: as `--device` takes it.

    Raises:
        UserError: see `shared_device`.
    """
    device = shared_device(name, place)
    if place.size == 1 or device.type != "cuda":
        return device
    only_one = place.sees_one_gpu and torch.cuda.device_count() == 1
    device = torch.device("cuda", 0 if only_one else place.local_rank)
    torch.cuda.set_device(device)
    return device
