"""Semantic-FPN: one map from a pyramid of maps, by sums (Kirillov et al. 2019, arXiv 1901.02446).

A feature pyramid (1 × 1 laterals, nearest enlargement, 3 × 3 outputs) of `2 * width` channels. Each
level is then brought to the finest stride by 3 × 3 convolutions to `width` channels, each followed
by a doubling of the map. Their sum is classified. The published width is 128.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from math import log2

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import FeaturePyramidNetwork

from attnbench.errors import UserError
from attnbench.models.backbone import FeatureInfo
from attnbench.tasks.segmentation.layers import ConvNormReLU, resized

WIDTH = 128
DROPOUT = 0.1


class SemanticFPN(nn.Module):
    """Logits on the finest map of a backbone."""

    def __init__(
        self, feature_info: Sequence[FeatureInfo], num_classes: int, width: int = WIDTH
    ) -> None:
        """Build it.

        Args:
            feature_info: of the maps, finest first; each stride is the finest times a power of two.
            num_classes: classes to tell apart.
            width: channels of the summed map; the pyramid has twice as many.

        Raises:
            UserError: a stride does not fit.
        """
        super().__init__()
        self.pyramid = FeaturePyramidNetwork([info.channels for info in feature_info], 2 * width)
        finest = feature_info[0].stride
        self.scales = nn.ModuleList(
            Scale(2 * width, width, doublings(info.stride, finest)) for info in feature_info
        )
        self.dropout = nn.Dropout2d(DROPOUT)
        self.classify = nn.Conv2d(width, num_classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits (batch, classes, height, width) of the finest map's size."""
        named = OrderedDict((str(index), one) for index, one in enumerate(maps))
        levels = self.pyramid(named).values()
        size = maps[0].shape[-2:]
        each = [
            resized(scale(level), size) for scale, level in zip(self.scales, levels, strict=True)
        ]
        return self.classify(self.dropout(sum(each[1:], start=each[0])))


class Scale(nn.Module):
    """Convolutions that bring one level to the finest stride; at least one."""

    def __init__(self, in_channels: int, channels: int, num_doublings: int) -> None:
        super().__init__()
        self.num_doublings = num_doublings
        widths = [in_channels] + [channels] * max(1, num_doublings)
        self.convs = nn.ModuleList(
            ConvNormReLU(before, after, 3) for before, after in pairwise(widths)
        )

    def forward(self, level: Tensor) -> Tensor:
        """(batch, channels, height, width) times two to the number of doublings along each side."""
        for conv in self.convs:
            level = conv(level)
            if self.num_doublings:
                level = F.interpolate(level, scale_factor=2, mode="bilinear")
        return level


def doublings(stride: int, finest: int) -> int:
    """How often a map of that stride is doubled to the finest one.

    Raises:
        UserError: it is not a power of two.
    """
    times = log2(stride / finest)
    if times < 0 or times != int(times):
        raise UserError(
            f"semantic-fpn expects strides that double from the finest map on, got {stride} over "
            f"{finest}; take --head uper-net, which resizes to any stride"
        )
    return int(times)
