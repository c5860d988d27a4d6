"""The backbone contract: maps of an image, with their channels and strides.

A head for detection or segmentation is built from `feature_info` and fed with `features(images)`.
It knows no model by name. `VisionTransformer` and `Pyramid` fulfil the contract themselves,
`TimmBackbone` fulfils it for the models of timm. `create_backbone` builds any of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import linear


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureInfo:
    """What a head must know of one map."""

    channels: int
    """timm's `num_chs`."""
    stride: int
    """Pixels of the image per element of the map, along each side; timm's `reduction`."""


class Backbone(nn.Module, ABC):
    """A model that returns maps of its images."""

    feature_info: Sequence[FeatureInfo]
    """Channels and stride of each map, finest first."""

    @abstractmethod
    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The maps (batch, channels, height, width), in the order of `feature_info`.

        Their sides are those of the images divided by the stride, rounded up or down; networks
        without padding give a few elements less.
        """


def classifier(dim: int, num_classes: int) -> nn.Module:
    """The last layer of a model; with no classes the model is a backbone and has none."""
    return linear(dim, num_classes) if num_classes else nn.Identity()
