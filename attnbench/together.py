"""The processes that work on one training or evaluation together, and what they tell one another.

They are those of torch's default process group (torchrun, `--nproc`, Slurm), which `joined` opens.
Everywhere else a process is alone, and nothing here waits or changes anything. All processes make
the same calls in the same order; one that does not make a call keeps the others waiting.

What is told goes through the memory of the host (gloo), so that no GPU is waited for; gradients go
from GPU to GPU (nccl).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from attnbench.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

Value = TypeVar("Value")

PARENT = "ATTNBENCH_PARENT"
"""The environment variable with a descriptor that is closed when the process ends that has started
this one with others."""
MESSAGE = "ATTNBENCH_MESSAGE"
"""That of the file where such a process says why it ends."""

LOST = "another process of this run has ended"
_WORDS = ("connection", "socket", "peer", "timed out", "nccl")
"""Some of them are in torch's message when another process has gone."""


class PeerLostError(UserError):
    """Another process has ended; it says itself why, or whoever started it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a process among those that work together."""

    rank: int = 0
    """From 0 to `size` - 1."""
    size: int = 1
    local_rank: int = 0
    """Among those of this machine, from 0."""
    local_size: int = 1
    """How many are on this machine."""
    sees_one_gpu: bool = False
    """Whether a single GPU that it sees may be its own (Slurm binds tasks to GPUs)."""


_place: Place | None = None
"""Of this process, once it has met the others."""


def local_size() -> int:
    """How many of the processes are on this machine."""
    return _place.local_size if _place else 1


def have_met() -> bool:
    """Whether this process has met others, be they there still or not."""
    return _place is not None


def size() -> int:
    """How many processes work together; 1 alone."""
    return _group().get_world_size() if _are_joined() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return _group().get_rank() if _are_joined() else 0


def is_first() -> bool:
    """Whether this is the process that prints, and writes files."""
    return rank() == 0


def summed(values: Tensor) -> Tensor:
    """The sum over all processes, on the device of the values, in the same order everywhere."""
    if size() == 1:
        return values
    total = values.detach().clone()
    _group().all_reduce(total)
    return total


def largest(values: Sequence[int]) -> list[int]:
    """The largest of each value over all processes."""
    if size() == 1:
        return list(values)
    import torch

    numbers = torch.tensor(values)
    _group().all_reduce(numbers, op=_group().ReduceOp.MAX)
    return numbers.tolist()


def gathered(value: Value) -> list[Value]:
    """At the first process what each gives, in their order; at the others their own alone."""
    if size() == 1:
        return [value]
    found: list[Any] | None = [None] * size() if is_first() else None
    _group().gather_object(value, found)
    return [value] if found is None else found


def on_first(work: Callable[[], Value]) -> Value:
    """What the first process gets from `work`, at all of them; the others do not call it.

    Raises:
        UserError: `work` raised it, at all of them.
    """
    if size() == 1:
        return work()
    told: list[Any] = [None, None]
    if is_first():
        try:
            told[0] = work()
        except UserError as error:
            told[1] = error
    _group().broadcast_object_list(told, src=0)
    if told[1] is not None:
        raise told[1]
    return told[0]


@contextmanager
def joined(place: Place, device: str) -> Iterator[None]:
    """Work with the other processes for a block, which ends when all have come to its end.

    torch finds the others by the variables RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.

    Args:
        place: of this process; nothing is done where it is alone.
        device: type of the devices, "cpu" or "cuda".

    Raises:
        PeerLostError: another process has ended before its end.
    """
    if place.size == 1:
        yield
        return
    global _place
    group = _group()
    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    try:
        group.init_process_group(backend, rank=place.rank, world_size=place.size)
        _place = place
        yield
        largest([0])  # wait for all
    except RuntimeError as error:
        if not is_loss(error):
            raise
        raise PeerLostError(LOST) from error
    finally:
        if group.is_initialized():
            group.destroy_process_group()


def is_loss(error: BaseException) -> bool:
    """Whether torch says by an error that another process has gone."""
    import torch.distributed

    text = str(error).lower()
    is_torchs = isinstance(error, torch.distributed.DistError)
    return is_torchs or (isinstance(error, RuntimeError) and any(word in text for word in _WORDS))


def _group() -> Any:
    import torch.distributed

    return torch.distributed


def _are_joined() -> bool:
    import torch.distributed

    return torch.distributed.is_available() and torch.distributed.is_initialized()
