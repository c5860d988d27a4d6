"""Parts of a batch: their gradients are added, so that a large batch needs little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor


def in_parts(images: Tensor, targets: Any, count: int) -> Iterator[tuple[Tensor, Any, float]]:
    """Images and targets in parts, each with its share of the batch.

    The mean loss of the batch is the sum of the parts' means by their shares. Batch norms see parts
    alone, and a detector's loss divides by the objects of a part, so there it is not quite that.

    Args:
        images: (batch, …).
        targets: a tensor or list with one entry an image, or a tuple of such.
        count: parts, as equal as can be; a smaller batch has fewer.
    """
    if count == 1:
        yield images, targets, 1.0
        return
    batch, start = len(images), 0
    for part in images.tensor_split(min(count, batch)):
        rows = slice(start, start + len(part))
        yield part, taken(targets, rows), len(part) / batch
        start = rows.stop


def taken(targets: Any, places: slice | Tensor) -> Any:
    """The targets at some places of a batch: a slice, or int64 (places,)."""
    if isinstance(targets, tuple):  # such as the labels of mixed images
        parts = [taken(one, places) for one in targets]
        return type(targets)(*parts) if hasattr(targets, "_fields") else tuple(parts)
    if isinstance(places, slice):
        return targets[places]
    if isinstance(targets, Tensor):
        return targets[places.to(targets.device)]
    return [targets[place] for place in places.tolist()]
