"""The trunk of RMT and BiFormer: convolutions make each map, and blocks work on maps.

Maps have their channels first. There are no absolute positions, so any input size works. All
convolutions outside of the blocks are 3 × 3 with a bias, and batch norm follows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.models.backbone import Backbone, FeatureInfo

STEM_STRIDE = 4


class Convolutional(Backbone):
    """A trunk of stages of blocks, each behind a layer that shrinks the map."""

    def __init__(
        self,
        dims: Sequence[int],
        downsamples: Iterable[nn.Module],
        stages: Iterable[Iterable[nn.Module]],
        pool: nn.Module,
        head: nn.Module,
    ) -> None:
        """Put the parts together.

        Args:
            dims: channels of each stage.
            downsamples: of each stage, what makes its map; the first shrinks 4 times, others 2.
            stages: of each stage its blocks.
            pool: from the last map to one vector for each image.
            head: from these vectors to logits.
        """
        super().__init__()
        self.downsamples = nn.ModuleList(downsamples)
        self.stages = nn.ModuleList(nn.Sequential(*blocks) for blocks in stages)
        self.pool, self.head = pool, head
        self.feature_info = [
            FeatureInfo(channels=dim, stride=STEM_STRIDE * 2**index)
            for index, dim in enumerate(dims)
        ]

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The maps of the stages, finest first; sides are rounded up."""
        maps: list[Tensor] = []
        for downsample, stage in zip(self.downsamples, self.stages, strict=True):
            images = stage(downsample(images))
            maps.append(images)
        return maps

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the pooled last map; without a classifier what it would read."""
        return self.head(self.pool(self.features(images)[-1]))


def convolution(in_dim: int, dim: int, stride: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A 3 × 3 convolution and its norm; sides are divided by the stride and rounded up."""
    conv = nn.Conv2d(in_dim, dim, kernel_size=3, stride=stride, padding=1)
    return conv, nn.BatchNorm2d(dim)


def halving(in_dim: int, dim: int) -> nn.Sequential:
    """What halves the map between two stages."""
    return nn.Sequential(*convolution(in_dim, dim, 2))


def depthwise(dim: int) -> nn.Conv2d:
    """A 3 × 3 convolution of each channel."""
    return nn.Conv2d(dim, dim, kernel_size=3, padding=1, groups=dim)


def mean() -> nn.Sequential:
    """The mean of a map."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
