"""Image classification behind the contract of `tasks.base`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from attnbench.models.backbone import FeatureInfo
from attnbench.spec import Recipe
from attnbench.tasks.base import Task, Transform
from attnbench.tasks.classification.head import PooledLinear
from attnbench.tasks.classification.metric import Accuracy
from attnbench.tasks.classification.mixing import Mixed, cross_entropy
from attnbench.tasks.classification.transforms import augment, only_normalise


class Classification(Task):
    """One class for each image."""

    name: ClassVar[str] = "classification"

    def head(self, feature_info: Sequence[FeatureInfo], num_classes: int) -> nn.Module:
        """Logits from the mean of the last map.

        For backbones without a classifier: models that are built by name bring their own.
        """
        return PooledLinear(feature_info[-1].channels, num_classes)

    def loss(
        self, model: nn.Module, outputs: Tensor, targets: Tensor | Mixed, recipe: Recipe
    ) -> Tensor:
        """Cross-entropy with label smoothing, in float32."""
        return cross_entropy(outputs, targets, recipe.label_smoothing)

    def metric(self, class_names: Sequence[str]) -> Accuracy:
        """Top-1, top-5 and loss."""
        return Accuracy()

    def transforms(self, recipe: Recipe, *, train: bool) -> Transform:
        """The recipe's augmentation of batches if `train`; always normalisation."""
        return partial(augment, recipe=recipe) if train else only_normalise
