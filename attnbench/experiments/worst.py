"""The pictures of an evaluation in which a model errs most, kept while the evaluation runs.

Boxes: by the number of errors, which are objects and detections without a partner of their class
(`tasks.detection.confusion`). Label maps: by the mean IoU of the picture, the lowest first.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from attnbench.data.overlays import Judged
from attnbench.data.targets import Detections, LabelMap, Objects, Target
from attnbench.tasks.detection.confusion import LEAST_SCORE, errors_in
from attnbench.tasks.detection.pictures import picture_of
from attnbench.tasks.detection.transforms import as_seen
from attnbench.tasks.segmentation.metric import confusion, scores_of
from attnbench.units import METRICS

DRAWN_TASKS = ("detection", "segmentation")
"""Tasks whose predictions can be drawn on their pictures."""


class Worst:
    """Keeps the worst pictures; of equally bad ones those that came first."""

    def __init__(self, count: int, class_names: Sequence[str]) -> None:
        """Keep `count` pictures of a model that knows these classes."""
        self.count = count
        self.class_names = tuple(class_names)
        self._seen = 0
        self._kept: list[tuple[float, int, Judged]] = []

    def add(self, pixels: Tensor, targets: Sequence[Target], found: Sequence[Any]) -> None:
        """Look at a batch.

        Args:
            pixels: uint8 (batch, 3, height, width).
            targets: as the data set gives them with these pixels.
            found: what the task predicts: `Detections` in pixels of the originals, or label maps,
                integers (height, width) of the size of their targets.
        """
        for image, target, one in zip(pixels, targets, found, strict=True):
            self._seen += 1
            if isinstance(target, LabelMap):
                badness, text = self._of_labels(target, one)
            else:
                badness, text = self._of_boxes(target, one, image)
            if len(self._kept) < self.count or badness > self._kept[0][0]:
                self._keep(badness, self._seen, _judged(image, target, one, text))

    def merge(self, other: Worst) -> None:
        """Add what another one has seen after this one, such as that of another process."""
        for badness, place, judged in other._kept:
            self._keep(badness, self._seen - place, judged)
        self._seen += other._seen

    def _keep(self, badness: float, place: int, judged: Judged) -> None:
        heapq.heappush(self._kept, (badness, -place, judged))
        if len(self._kept) > self.count:
            heapq.heappop(self._kept)

    @property
    def pictures(self) -> list[Judged]:
        """Those that are kept, the worst first."""
        return [judged for *_, judged in sorted(self._kept, key=lambda kept: kept[:2])][::-1]

    def _of_boxes(self, objects: Objects, found: Detections, image: Tensor) -> tuple[float, str]:
        (seen,) = as_seen([objects], image[None])
        errors = errors_in(picture_of(found, seen), len(self.class_names))
        there, kept = int((~objects.crowd).sum()), int((found.scores >= LEAST_SCORE).sum())
        text = f"errors: {errors}; objects: {there}; found: {kept}, by a score of {LEAST_SCORE} on"
        return errors, text

    def _of_labels(self, target: LabelMap, found: Tensor) -> tuple[float, str]:
        miou = scores_of(confusion(found, target.labels, len(self.class_names)))["miou"]
        if miou is None:
            return -1.0, "no pixel of a known class"
        return 1 - miou, f"mIoU {METRICS['miou'].format(miou)}"


def _judged(image: Tensor, target: Target, found: Any, text: str) -> Judged:
    image = image.cpu().clone()  # a view would keep its whole batch
    if isinstance(target, LabelMap):
        drawn = LabelMap(picture=target.picture, labels=found.to(torch.uint8).cpu())
        return Judged(image=image, truth=target, found=drawn, scores=(), text=text)
    boxes, scores = _in_image(found, target, image)
    return Judged(image=image, truth=target, found=boxes, scores=scores, text=text)


def _in_image(
    found: Detections, target: Objects, image: Tensor
) -> tuple[Objects, tuple[float, ...]]:
    """The detections that count as found, in pixels of the image, and their scores."""
    kept = found.scores >= LEAST_SCORE
    height, width = target.seen or image.shape[-2:]
    down, across = height / target.size[0], width / target.size[1]
    boxes = found.boxes[kept].cpu().float() * torch.tensor([across, down, across, down])
    drawn = Objects(
        picture=target.picture,
        size=target.size,
        boxes=boxes,
        labels=found.labels[kept].cpu(),
        crowd=torch.zeros(len(boxes), dtype=torch.bool),
        areas=(boxes[:, 2:] - boxes[:, :2]).prod(1),
    )
    return drawn, tuple(found.scores[kept].tolist())
