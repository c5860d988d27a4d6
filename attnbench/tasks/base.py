"""The contract of a task: head, loss, metric and transforms.

Training and evaluation see a task through this contract alone. Targets are whatever the data set
and the task agree on: class indices, boxes, masks. Only the task looks inside them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from attnbench.models.backbone import FeatureInfo
from attnbench.spec import Recipe
from attnbench.units import PRIMARY_SCORE


class Transform(Protocol):
    """What happens to a batch between the data set and the model, on the batch's device."""

    def __call__(
        self, images: Tensor, targets: Any, generator: torch.Generator
    ) -> tuple[Tensor, Any]:
        """Transform images and targets together.

        Args:
            images: uint8 (batch, 3, height, width).
            targets: as the data set gives them.
            generator: the only source of random numbers, on the CPU.

        Returns:
            Normalised float32 images (batch, 3, height, width), and their targets.
        """
        ...


class Metric(Protocol):
    """Accumulates the outcome of an evaluation, batch by batch.

    Batches come in the order of the set, so a metric may also keep the outcome of each sample.
    """

    def update(self, outputs: Any, targets: Any) -> None:
        """Add a batch: what the model returned, and the targets it was to return."""
        ...

    def merge(self, other: Any) -> None:
        """Add what another accumulator of this type has seen, such as that of another process."""
        ...

    def compute(self) -> Mapping[str, float]:
        """Scores of all batches so far, by name, in base units (see `units.METRICS`)."""
        ...


class Task(ABC):
    """What a model is trained to do. Tasks hold no state: every knob is in the recipe."""

    name: ClassVar[str]

    @property
    def primary_score(self) -> str:
        """The score that models are ranked by; unit and better direction are in `units`."""
        return PRIMARY_SCORE[self.name]

    @abstractmethod
    def head(self, feature_info: Sequence[FeatureInfo], num_classes: int) -> nn.Module:
        """A new head for the maps of a backbone.

        Args:
            feature_info: channels and stride of each map, finest first.
            num_classes: classes to tell apart.

        Returns:
            A module from a list of maps, each (batch, channels, height, width), to the outputs that
            `loss` and the metric take.
        """

    @abstractmethod
    def loss(self, outputs: Any, targets: Any, recipe: Recipe) -> Tensor:
        """The mean loss of a batch, a scalar that gradients flow back from."""

    @abstractmethod
    def metric(self) -> Metric:
        """A new, empty accumulator."""

    @abstractmethod
    def transforms(self, recipe: Recipe, *, train: bool) -> Transform:
        """What batches go through: augmentation if `train`, and always normalisation."""
