"""Models that no single device holds: each process keeps a part of every weight (torch's FSDP2).

Weights are gathered block by block while they are used. Checkpoints hold whole weights, as those of
one process do, so a run goes on with and without sharding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from attnbench import together
from attnbench.errors import UserError
from attnbench.training.blocks import branches_of, slots_of
from attnbench.training.memory_format import laid_as


def refuse_alone() -> None:
    """Refuse to shard a model over one process.

    Raises:
        UserError: this process is alone.
    """
    if together.size() == 1:
        raise UserError(
            "--shard: expected several processes to share the weights, got one; start them with "
            "--nproc or torchrun, or leave it out"
        )


def shard(model: nn.Module, device: torch.device) -> None:
    """Split all parameters over the processes; an optimizer is made afterwards.

    Args:
        model: on the device, the same at all processes.
        device: of this process.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (together.size(),))
    blocks = [one for one in model.modules() if slots_of(one) or branches_of(one)]
    for block in blocks:
        # The weights of a block are gathered when it is called, which a mere container never is.
        if block is not model and type(block).forward is not nn.Module.forward:
            fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)


def is_sharded(model: nn.Module) -> bool:
    """Whether `shard` has split it."""
    return any(_is_split(parameter) for parameter in model.parameters())


def whole(values: Any) -> Any:
    """Tensors within dictionaries and lists as they are without sharding.

    All processes call it together. The split ones are put into the memory of the host, at the first
    process alone; the others get empty ones.
    """
    if isinstance(values, dict):
        return {name: whole(value) for name, value in values.items()}
    if isinstance(values, list):
        return [whole(value) for value in values]
    if not _is_split(values):
        return values
    full = values.full_tensor()
    return full.cpu() if together.is_first() else full.new_empty(0)


def placed_as(values: Tensor, like: Tensor) -> Tensor:
    """Values, of which this process keeps what it keeps of another tensor of the same shape."""
    if not _is_split(like) or values.shape != like.shape:
        return laid_as(values, like)
    from torch.distributed.tensor import distribute_tensor

    place: Any = like
    return distribute_tensor(values.to(like.device), place.device_mesh, place.placements)


def _is_split(value: Any) -> bool:
    return isinstance(value, Tensor) and hasattr(value, "full_tensor")
