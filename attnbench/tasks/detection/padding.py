"""The objects of a batch in tensors of one shape, so that nothing loops over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from attnbench.data.targets import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Padded:
    """Objects of several pictures, filled up to the largest number of them (at least one)."""

    boxes: Tensor
    """float32 (batch, objects, 4); empty boxes of one pixel where nothing is."""
    labels: Tensor
    """int64 (batch, objects)."""
    real: Tensor
    """bool (batch, objects): whether there is an object to be found; False for crowds."""
    crowd: Tensor
    """bool (batch, objects): whether there is a region to be ignored."""


def padded(targets: Sequence[Objects], device: torch.device) -> Padded:
    """The objects of each picture, on the device of the model."""
    most = max(1, *(len(one.labels) for one in targets))
    filler = torch.zeros(most)  # makes every row as long as the longest, and at least one
    boxes = pad_sequence([torch.zeros(most, 4), *(one.boxes for one in targets)], batch_first=True)
    labels = pad_sequence([filler.long(), *(one.labels for one in targets)], batch_first=True)
    there = pad_sequence(
        [filler.bool(), *(torch.ones_like(one.crowd) for one in targets)], batch_first=True
    )
    crowd = pad_sequence([filler.bool(), *(one.crowd for one in targets)], batch_first=True)
    return Padded(
        boxes=boxes[1:].to(device), labels=labels[1:].to(device),
        real=(there & ~crowd)[1:].to(device), crowd=crowd[1:].to(device),
    )  # fmt: skip


def contains(boxes: Tensor, points: Tensor) -> Tensor:
    """Whether each box (…, objects, 4) holds each point (points, 2): bool (…, objects, points)."""
    low, high = boxes[..., None, :2], boxes[..., None, 2:]
    return ((points > low) & (points < high)).all(-1)
