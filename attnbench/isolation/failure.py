"""Failures as values: the status and the reason that a record carries."""

from __future__ import annotations

from functools import singledispatch

from attnbench.errors import UserError
from attnbench.records import Status

Failure = tuple[Status, str]
"""Status and reason."""


class ExplainedError(Exception):
    """A failure whose message is the whole reason; no type name is put before it."""


class WorkLostError(Exception):
    """Work in another process gave no result. It carries a status and a reason."""

    def __init__(self, status: Status, reason: str, part: int | None = None) -> None:
        """Describe a loss.

        Args:
            status: of the record.
            reason: in a line.
            part: the part of the job that was being done, counted from 0; None if that is unknown.
        """
        super().__init__(status, reason, part)
        self.status = status
        self.reason = reason
        self.part = part

    def __str__(self) -> str:
        return self.reason


@singledispatch
def failure(error: Exception) -> Failure:
    """Status and reason of an exception; running out of memory has a status of its own."""
    text = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {text[0] if text else 'no message'}"
    return ("out_of_memory" if _ran_out_of_memory(error) else "failed"), reason


@failure.register
def _(error: ExplainedError) -> Failure:
    return "failed", str(error)


@failure.register
def _(error: UserError) -> Failure:
    return "unsupported", str(error)


@failure.register
def _(error: WorkLostError) -> Failure:
    return error.status, error.reason


def _ran_out_of_memory(error: Exception) -> bool:
    """Whether Python, CUDA or torch's allocator on the CPU had no memory left."""
    import torch

    out_of_memory = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, out_of_memory) or "DefaultCPUAllocator" in str(error)
