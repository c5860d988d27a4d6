"""Intersection over union from one confusion matrix over all pixels of an evaluation.

The usual definition (Everingham et al. 2010, PASCAL VOC): intersections and unions are added up
over the whole set before they are divided, not averaged over pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnbench.data.targets import IGNORE, LabelMap
from attnbench.scoring.outcomes import Outcomes
from attnbench.tasks.segmentation.intervals import intervals_of


class ConfusionMatrix:
    """Pixels by true class (rows) and predicted class (columns), for each picture."""

    def __init__(self, class_names: Sequence[str]) -> None:
        self.class_names = tuple(class_names)
        self.pictures: list[Tensor] = []
        """int64 (classes, classes) of each picture, in order: intervals are drawn from them."""
        self.names: list[str] = []
        """Of the pictures."""

    def update(self, predictions: Sequence[Tensor], targets: Sequence[LabelMap]) -> None:
        """Add predicted label maps, int64 (height, width), of the size of their targets."""
        for predicted, target in zip(predictions, targets, strict=True):
            self.pictures.append(confusion(predicted, target.labels, len(self.class_names)))
            self.names.append(target.picture)

    def merge(self, other: ConfusionMatrix) -> None:
        """Add what another accumulator has seen."""
        self.pictures += other.pictures
        self.names += other.names

    def compute(self) -> Mapping[str, float | None]:
        """Mean IoU, mean accuracy of the classes, and the share of pixels that are right."""
        return scores_of(self.total)

    def compute_by_class(self) -> Mapping[str, Mapping[str, float | None]]:
        """IoU and accuracy of each class; None for a class that does not occur."""
        iou, accuracy = iou_of(self.total), accuracy_of(self.total)
        return {
            name: dict(zip(self.class_names, map(_or_none, values.tolist()), strict=True))
            for name, values in (("iou", iou), ("acc", accuracy))
        }

    def compute_intervals(self) -> Mapping[str, tuple[float, float]]:
        """95 % intervals of mIoU and mAcc over pictures."""
        return intervals_of(pixels_of(self.pictures, len(self.class_names)))

    def outcomes(self) -> Outcomes:
        """See `tasks.base.KeepsOutcomes`."""
        return Outcomes(
            kind="pixels",
            images=tuple(self.names),
            arrays={"pixels": pixels_of(self.pictures, len(self.class_names))},
        )

    def notes(self) -> tuple[str, ...]:
        """How many classes the mean IoU is about, where some do not occur."""
        occurring = sum(value is not None for value in self.compute_by_class()["iou"].values())
        if occurring == len(self.class_names):
            return ()
        return (f"{occurring} of {len(self.class_names)} classes occur and enter the means",)

    @property
    def total(self) -> Tensor:
        """The matrix of all pictures: int64, because float32 cannot count beyond 16.7 million."""
        classes = len(self.class_names)
        return sum(self.pictures, start=torch.zeros(classes, classes, dtype=torch.int64))


def confusion(predicted: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Pixels by true and predicted class, int64 (classes, classes); `IGNORE` is left out.

    Args:
        predicted: integers (height, width) from 0.
        labels: the same, or `IGNORE`.
        num_classes: number of classes.
    """
    known = labels != IGNORE
    cells = num_classes * labels[known].long() + predicted[known].long()
    counts = torch.bincount(cells.cpu(), minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def pixels_of(pictures: Sequence[Tensor], num_classes: int) -> NDArray[np.int64]:
    """Pixels of each class in each picture, (pictures, classes, 3), as `scoring.overlap` has them.

    Args:
        pictures: confusion matrix of each, int64 (classes, classes).
        num_classes: number of classes.
    """
    empty = torch.zeros(0, num_classes, num_classes, dtype=torch.int64)
    matrices = torch.cat([empty, *(matrix[None] for matrix in pictures)])
    both = matrices.diagonal(dim1=-2, dim2=-1)
    return torch.stack([both, matrices.sum(-1), matrices.sum(-2)], dim=-1).numpy()


def scores_of(matrix: Tensor) -> dict[str, float | None]:
    """mIoU, mAcc and aAcc of a matrix (classes, classes); None where it has no pixels."""
    matrix = matrix.double()
    right = matrix.diagonal().sum() / matrix.sum()
    return {
        "miou": _or_none(iou_of(matrix).nanmean().item()),
        "macc": _or_none(accuracy_of(matrix).nanmean().item()),
        "aacc": _or_none(right.item()),
    }


def iou_of(matrix: Tensor) -> Tensor:
    """IoU of each class, float64 (…, classes); NaN for one in neither labels nor predictions."""
    matrix = matrix.double()
    both = matrix.diagonal(dim1=-2, dim2=-1)
    return both / (matrix.sum(-1) + matrix.sum(-2) - both)


def accuracy_of(matrix: Tensor) -> Tensor:
    """Share of each class's pixels that are right, float64 (…, classes); NaN without pixels."""
    matrix = matrix.double()
    return matrix.diagonal(dim1=-2, dim2=-1) / matrix.sum(-1)


def _or_none(value: float) -> float | None:
    return None if value != value else value
