"""Overlaps of boxes in batches: torchvision's functions take one picture at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes (…, 4), broadcast; 0 for two boxes without area."""
    both, union, _ = _areas(one, other)
    return both / union.clamp(min=torch.finfo(union.dtype).tiny)


def generalised_overlap(one: Tensor, other: Tensor) -> Tensor:
    """Generalised intersection over union, from -1 to 1 (Rezatofighi et al. 2019, 1902.09630)."""
    both, union, hull = _areas(one, other)
    tiny = torch.finfo(union.dtype).tiny
    return both / union.clamp(min=tiny) - (hull - union) / hull.clamp(min=tiny)


def _areas(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Areas of intersection, union and common hull."""
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    union = _area(one) + _area(other) - both
    hull = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(one[..., :2], other[..., :2])
    return both, union, hull.clamp(min=0).prod(-1)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)
