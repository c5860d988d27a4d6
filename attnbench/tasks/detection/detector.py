"""The contract of a detector, ours or other people's.

How raw outputs become a loss or boxes belongs to each detector: anchors, strides, bins and the
assignment of targets differ. Training, evaluation and profiling know only this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.data.targets import Detections, Objects


class Detector(nn.Module, ABC):
    """A network with a loss, and with a way from its outputs to boxes."""

    @abstractmethod
    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Any:
        """The raw outputs, plain tensors in tuples, lists or dictionaries.

        They are the same in training and in evaluation, and hold all that `loss` and `detections`
        need, for images of any size that the network takes.
        """

    @abstractmethod
    def loss(self, outputs: Any, targets: Sequence[Objects]) -> Tensor:
        """The loss of a batch, a scalar; finite for pictures without objects, too."""

    @abstractmethod
    def detections(self, outputs: Any, targets: Sequence[Objects]) -> list[Detections]:
        """The boxes found in each picture, after non-maximum suppression, at most 100.

        `targets` are there for the number of pictures and their original sizes.
        """
