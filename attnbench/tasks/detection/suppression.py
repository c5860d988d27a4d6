"""From scored boxes to detections: the best ones, without duplicates."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from attnbench.data.targets import Detections

MOST = 100
"""Detections of a picture: what COCO scores."""
CANDIDATES = 1000
"""The best scores of a picture, before duplicates are removed."""
LEAST_SCORE = 0.025
OVERLAP = 0.6
"""Of two boxes of one class that overlap more, the one with the lower score is a duplicate."""


def best_boxes(
    boxes: Tensor, scores: Tensor, *, least_score: float = LEAST_SCORE, overlap: float = OVERLAP
) -> list[Detections]:
    """Non-maximum suppression for each class of each picture.

    Args:
        boxes: (batch, cells, 4) in pixels.
        scores: (batch, cells, classes) from 0 to 1.
        least_score: what is below it is no detection.
        overlap: see `OVERLAP`.
    """
    return [_of_picture(*pair, least_score, overlap) for pair in zip(boxes, scores, strict=True)]


def _of_picture(boxes: Tensor, scores: Tensor, least_score: float, overlap: float) -> Detections:
    classes = scores.shape[1]
    best, places = scores.flatten().topk(min(CANDIDATES, scores.numel()))
    places, best = places[best > least_score], best[best > least_score]
    cells, labels = torch.div(places, classes, rounding_mode="floor"), places % classes
    kept = batched_nms(boxes[cells], best, labels, overlap)[:MOST]
    return Detections(boxes=boxes[cells[kept]], scores=best[kept], labels=labels[kept])
