"""The contract of a task: head, loss, predictions, metric and transforms.

Training and evaluation see a task through this contract alone. Targets are whatever the data set
and the task agree on: class indices, boxes, masks. Outputs are whatever the model and the task
agree on. Only the task looks inside them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from attnbench.models.backbone import FeatureInfo
from attnbench.scoring.outcomes import Outcomes
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
        """Add a batch: the task's predictions, and the targets that they should be."""
        ...

    def merge(self, other: Any) -> None:
        """Add what another accumulator of this type has seen, such as that of another process."""
        ...

    def compute(self) -> Mapping[str, float | None]:
        """Scores of all batches so far, by name, in base units (see `units.METRICS`).

        None is a score that these samples do not define, such as that of a class without objects.
        """
        ...


@runtime_checkable
class DetailedMetric(Metric, Protocol):
    """A metric that says more than its scores."""

    def compute_by_class(self) -> Mapping[str, Mapping[str, float | None]]:
        """Scores of each class by its name, such as {"ap": {"cat": 0.4}}."""
        ...

    def compute_intervals(self) -> Mapping[str, tuple[float, float]]:
        """95 % intervals of some scores by bootstrap over the samples: a second's work."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores must know, such as why one is None."""
        ...


@runtime_checkable
class KeepsOutcomes(Metric, Protocol):
    """A metric that knows what the model did on each image, for paired comparisons."""

    def outcomes(self) -> Outcomes:
        """The outcome of each image so far, by its name, or by its place where it has none."""
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
            `loss` and `predict` take.
        """

    @abstractmethod
    def loss(self, model: nn.Module, outputs: Any, targets: Any, recipe: Recipe) -> Tensor:
        """The mean loss of a batch, a scalar that gradients flow back from.

        Args:
            model: made the outputs; models that have a loss of their own are asked for it.
            outputs: what the model returned in training mode.
            targets: as the transforms gave them.
            recipe: how the model is trained.
        """

    def predict(self, model: nn.Module, outputs: Any, targets: Any) -> Any:
        """What the metric takes, from what the model returned in evaluation mode.

        This is the work after the network, such as decoding boxes and removing duplicates; its
        time is told apart. `targets` say which pictures these are, never what is in them.
        """
        return outputs

    @abstractmethod
    def metric(self, class_names: Sequence[str]) -> Metric:
        """A new, empty accumulator for that many classes."""

    @abstractmethod
    def transforms(self, recipe: Recipe, *, train: bool) -> Transform:
        """What batches go through: augmentation if `train`, and always normalisation."""
