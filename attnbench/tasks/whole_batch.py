"""What a loss must know of the whole batch where processes share it.

A process sees some images of a batch, and its loss is weighted by their share. So a mean over
images needs nothing. A loss that divides by something else, such as the cells with an object or the
labelled pixels, divides by `divisor` of it. Then the weighted losses of all processes add up to
that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor

from attnbench import together


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The images that this process sees, and those of the whole batch."""

    images: int
    """0 where the process has none, and takes one that does not count."""
    whole: int


_seen: _Seen | None = None
"""None: this process sees whole batches."""


@contextmanager
def sharing(images: int, whole: int) -> Iterator[None]:
    """Say how many images of the whole batch this process sees, for a block.

    Args:
        images: those that count; 0 if the process has one that does not.
        whole: those of all processes.
    """
    global _seen
    before, _seen = _seen, _Seen(images=images, whole=whole)
    try:
        yield
    finally:
        _seen = before


def in_whole_batch(count: int) -> int:
    """What the whole batch has of something of which every image has as many, such as tokens.

    Args:
        count: in the images that this process sees.
    """
    return count * _seen.whole // max(_seen.images, 1) if _seen else count


def counts() -> bool:
    """Whether the images that this process sees are part of the batch."""
    return _seen is None or _seen.images > 0


@overload
def divisor(count: int, least: float = 1.0, plus: float = 0.0) -> float | Tensor: ...
@overload
def divisor(count: Tensor, least: float = 1.0, plus: float = 0.0) -> Tensor: ...
def divisor(count: int | Tensor, least: float = 1.0, plus: float = 0.0) -> float | Tensor:
    """What the sum of a loss is divided by; all processes call it equally often.

    Args:
        count: what this process sees of it, without a gradient.
        least: the least that may be divided by.
        plus: added to the count of the whole batch.

    Returns:
        The count of the whole batch, at least `least`, times the share of the images that this
        process sees.
    """
    if _seen is None:
        return max(count, least) + plus if isinstance(count, int) else count.clamp(min=least) + plus
    own = count.detach() if isinstance(count, Tensor) else torch.tensor(float(count))
    total = together.summed(own * counts()).clamp(min=least) + plus
    return total * (max(_seen.images, 1) / _seen.whole)
