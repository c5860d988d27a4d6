"""Semantic segmentation behind the contract of `tasks.base`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.data.targets import IGNORE, LabelMap
from attnbench.models.backbone import FeatureInfo
from attnbench.spec import Recipe
from attnbench.tasks.base import Task, Transform
from attnbench.tasks.segmentation.layers import resized
from attnbench.tasks.segmentation.metric import ConfusionMatrix
from attnbench.tasks.segmentation.semantic_fpn import SemanticFPN
from attnbench.tasks.segmentation.transforms import SCALES, augment, only_normalise
from attnbench.tasks.whole_batch import divisor

AUXILIARY_WEIGHT = 0.4
"""Of the loss of the auxiliary head (Zhao et al. 2017, PSPNet)."""


class Segmentation(Task):
    """A class for each pixel."""

    name: ClassVar[str] = "segmentation"

    def head(self, feature_info: Sequence[FeatureInfo], num_classes: int) -> nn.Module:
        """Semantic-FPN of the published width, as a list of logits like a `Segmenter` gives."""
        return _Listed(SemanticFPN(feature_info, num_classes))

    def loss(
        self,
        model: nn.Module,
        outputs: Sequence[Tensor],
        targets: Sequence[LabelMap],
        recipe: Recipe,
    ) -> Tensor:
        """Cross-entropy at the size of the labels, plus 0.4 of that of the auxiliary head.

        Ignored pixels do not count; a batch that is ignored as a whole has loss 0.
        """
        labels = torch.stack([one.labels for one in targets]).long()
        known = divisor((labels != IGNORE).sum())
        weights = [1.0] + [AUXILIARY_WEIGHT] * (len(outputs) - 1)
        losses = [
            weight
            * F.cross_entropy(
                resized(logits.float(), labels.shape[-2:]),
                labels,
                ignore_index=IGNORE,
                label_smoothing=recipe.label_smoothing,
                reduction="sum",
            )
            / known
            for weight, logits in zip(weights, outputs, strict=True)
        ]
        return torch.stack(losses).sum()

    def predict(
        self, model: nn.Module, outputs: Sequence[Tensor], targets: Sequence[LabelMap]
    ) -> list[Tensor]:
        """Label maps, int64 (height, width): logits are resized to the labels before arg-max."""
        return [
            resized(logits[None].float(), one.labels.shape).argmax(1)[0]
            for logits, one in zip(outputs[0], targets, strict=True)
        ]

    def metric(self, class_names: Sequence[str]) -> ConfusionMatrix:
        """Mean IoU and accuracies."""
        return ConfusionMatrix(class_names)

    def transforms(self, recipe: Recipe, *, train: bool) -> Transform:
        """Random scales, crops and flips of picture and labels if `train`; always normalisation."""
        if not train:
            return only_normalise
        return partial(augment, flip=recipe.flip, scales=recipe.scales or SCALES)


class _Listed(nn.Module):
    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return [self.head(maps)]
