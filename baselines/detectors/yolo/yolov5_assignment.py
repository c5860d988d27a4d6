"""Which places learn which object in YOLOv5: by the shape of the anchor, and by nearness.

An anchor fits an object if no side is four times that of the other. It learns the object in the
cell that holds the object's centre, and in the nearest neighbours of that cell across and down.

Rebuilt from published layer tables; no code or weights of Ultralytics.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from attnbench.tasks.detection.padding import Padded
from baselines.detectors.yolo.yolov5_head import Level

MOST_RATIO = 4.0


class Matches(NamedTuple):
    """Places and their objects, int64 (matches,) each; a place may have several objects."""

    picture: Tensor
    place: Tensor
    which: Tensor
    """The object, of those of its picture."""


@torch.no_grad()
def matches_of(level: Level, objects: Padded) -> Matches:
    """The places of one level that learn an object."""
    fits = _fits(objects.boxes, level.anchors) & objects.real[..., None]
    cells = _cells(objects.boxes, level.stride)
    height, width = level.size
    inside = ((cells >= 0) & (cells < cells.new_tensor([width, height]))).all(-1)
    chosen = fits[..., None] & inside[:, :, None]
    picture, which, anchor, number = chosen.nonzero(as_tuple=True)
    across, down = cells[picture, which, number].unbind(-1)
    return Matches(picture, (anchor * height + down) * width + across, which)


def _fits(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Whether each anchor fits each object: bool (batch, objects, anchors)."""
    ratio = (boxes[..., 2:] - boxes[..., :2])[:, :, None] / anchors
    return torch.maximum(ratio, 1 / ratio).amax(-1) < MOST_RATIO


def _cells(boxes: Tensor, stride: int) -> Tensor:
    """Column and row of three cells for each object, int64 (batch, objects, 3, 2)."""
    middle = (boxes[..., :2] + boxes[..., 2:]) / (2 * stride)
    own = middle.floor()
    step = torch.where(middle - own < 0.5, -1.0, 1.0)
    steps = torch.stack([torch.zeros_like(step), step, step], dim=2)
    axis = steps.new_tensor([[0, 0], [1, 0], [0, 1]])  # none, across, down
    return (own[:, :, None] + steps * axis).long()
