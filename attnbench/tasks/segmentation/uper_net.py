"""UperNet: pyramid pooling on the coarsest map, and a feature pyramid over all.

Xiao et al. 2018, arXiv 1807.10221. The published width is 512, that of its auxiliary head 256.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.errors import UserError
from attnbench.models.backbone import FeatureInfo
from attnbench.tasks.segmentation.layers import ConvNormReLU, resized
from attnbench.tasks.whole_batch import in_whole_batch

WIDTH = 512
POOLS = (1, 2, 3, 6)
"""Sides of the pooled maps."""
DROPOUT = 0.1


class UperNet(nn.Module):
    """Logits on the finest map of a backbone."""

    def __init__(
        self, feature_info: Sequence[FeatureInfo], num_classes: int, width: int = WIDTH
    ) -> None:
        """Build it for maps of any strides, finest first."""
        super().__init__()
        *finer, coarsest = [info.channels for info in feature_info]
        self.pool = PyramidPooling(coarsest, width)
        self.laterals = nn.ModuleList(ConvNormReLU(channels, width, 1) for channels in finer)
        self.outputs = nn.ModuleList(ConvNormReLU(width, width, 3) for _ in finer)
        self.fuse = ConvNormReLU(len(feature_info) * width, width, 3)
        self.dropout = nn.Dropout2d(DROPOUT)
        self.classify = nn.Conv2d(width, num_classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits (batch, classes, height, width) of the finest map's size.

        Raises:
            UserError: one image in training: BatchNorm has one value for each channel of the map
                that is pooled to 1 × 1.
        """
        if self.training and in_whole_batch(len(maps[0])) == 1:
            raise UserError(
                "uper-net expects at least 2 images a step in training, got 1: its BatchNorm after "
                "pooling to 1 × 1 has one value a channel; raise --batch-size"
            )
        *finer, coarsest = maps
        levels = [lateral(one) for lateral, one in zip(self.laterals, finer, strict=True)]
        levels.append(self.pool(coarsest))
        for index in range(len(levels) - 1, 0, -1):
            size = levels[index - 1].shape[-2:]
            levels[index - 1] = levels[index - 1] + resized(levels[index], size)
        size = levels[0].shape[-2:]
        out = [conv(level) for conv, level in zip(self.outputs, levels[:-1], strict=True)]
        fused = self.fuse(torch.cat([resized(one, size) for one in (*out, levels[-1])], dim=1))
        return self.classify(self.dropout(fused))


class PyramidPooling(nn.Module):
    """The map beside its averages over 1, 4, 9 and 36 places (Zhao et al. 2017, PSPNet)."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(ConvNormReLU(in_channels, width, 1) for _ in POOLS)
        self.bottleneck = ConvNormReLU(in_channels + len(POOLS) * width, width, 3)

    def forward(self, coarsest: Tensor) -> Tensor:
        """(batch, width, height, width) of the same size."""
        size = coarsest.shape[-2:]
        pooled = [
            resized(branch(F.adaptive_avg_pool2d(coarsest, side)), size)
            for branch, side in zip(self.branches, POOLS, strict=True)
        ]
        return self.bottleneck(torch.cat([coarsest, *pooled], dim=1))


class AuxiliaryHead(nn.Module):
    """A small head on the last map but one, for a second loss in training."""

    def __init__(self, feature_info: Sequence[FeatureInfo], num_classes: int, width: int) -> None:
        super().__init__()
        self.level = max(0, len(feature_info) - 2)
        self.conv = ConvNormReLU(feature_info[self.level].channels, width, 3)
        self.dropout = nn.Dropout2d(DROPOUT)
        self.classify = nn.Conv2d(width, num_classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits (batch, classes, height, width) of that map's size."""
        return self.classify(self.dropout(self.conv(maps[self.level])))
