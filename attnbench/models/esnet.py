"""ESNet: the trunk of PicoDet (Yu et al. 2021, arXiv 2111.00902), with any attention at its end.

Shuffled blocks of depthwise convolutions at strides 8, 16 and 32. The last stage may instead be a
stride-2 convolution followed by transformer blocks of any registered attention: that is how
AnchorFormer (arXiv 2505.16463, section 4.4) says that it makes its detectors. The paper prints no
widths, so those of the named models are fitted to its budgets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation

from attnbench.attention.factory import placed_attention
from attnbench.errors import UserError
from attnbench.models.backbone import Backbone, FeatureInfo, classifier
from attnbench.models.block import NORM_EPS, Block

STEM = 24
DEPTHS = (3, 7, 3)
STRIDES = (8, 16, 32)
WIDTHS = (128, 256, 512)
"""Of the stages at scale 1."""
SHRINK = 4
"""Of the squeeze-and-excitation."""
LAST = len(DEPTHS) - 1


def conv_norm(
    in_channels: int, channels: int, kernel: int = 1, stride: int = 1, *, groups: int = 1,
    act: bool = True,
) -> nn.Sequential:  # fmt: skip
    """A convolution without bias, BatchNorm, and hard-swish if `act`."""
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
    ]
    return nn.Sequential(*layers, *([nn.Hardswish(inplace=True)] if act else []))


def depthwise(channels: int, stride: int = 1, *, act: bool = False) -> nn.Sequential:
    """A depthwise 3 × 3 convolution and BatchNorm."""
    return conv_norm(channels, channels, 3, stride, groups=channels, act=act)


def excite(channels: int) -> nn.Module:
    """Squeeze and excitation with ReLU and hard-sigmoid."""
    return SqueezeExcitation(channels, channels // SHRINK, nn.ReLU, nn.Hardsigmoid)


class Shrinking(nn.Module):
    """The first block of a stage: two branches halve the map, and are mixed."""

    def __init__(self, in_channels: int, mid: int, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.left = nn.Sequential(depthwise(in_channels, 2), conv_norm(in_channels, half))
        self.right = nn.Sequential(
            conv_norm(in_channels, mid // 2), depthwise(mid // 2, 2), excite(mid // 2),
            conv_norm(mid // 2, half),
        )  # fmt: skip
        self.mix = nn.Sequential(depthwise(channels, act=True), conv_norm(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Half the height and width, rounded up."""
        return self.mix(torch.cat([self.left(x), self.right(x)], dim=1))


class Shuffled(nn.Module):
    """Half of the channels are transformed, then the halves are interleaved."""

    def __init__(self, mid: int, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.narrow = conv_norm(half, mid // 2)
        self.around = depthwise(mid // 2)
        self.excite = excite(mid)
        self.widen = conv_norm(mid, half)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        kept, used = x.chunk(2, dim=1)
        narrow = self.narrow(used)
        both = self.excite(torch.cat([narrow, self.around(narrow)], dim=1))
        halves = torch.stack([kept, self.widen(both)], dim=2)  # (batch, half, 2, height, width)
        return halves.flatten(1, 2)


class AttentionStage(nn.Module):
    """A stride-2 convolution, transformer blocks, and a norm."""

    def __init__(self, in_channels: int, dim: int, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.embed = conv_norm(in_channels, dim, 3, 2, act=False)
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, dim, height, width), half the size, rounded up."""
        x = self.embed(x)
        grid = int(x.shape[2]), int(x.shape[3])
        tokens = x.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens, grid)
        return self.norm(tokens).transpose(1, 2).unflatten(2, grid)


class ESNet(Backbone):
    """The trunk for images of any size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 320,
        *,
        scale: float = 1.0,
        ratios: Sequence[Sequence[float]] = (),
        attention: str | None = None,
        attention_options: Mapping[str, Any] | None = None,
        attention_dim: int = 384,
        attention_depth: int = 1,
        mlp_ratio: float = 4.0,
        head_width: int = 32,
    ) -> None:
        """Build it.

        Args:
            num_classes: logits; 0 builds it without a classifier.
            img_size: ignored, since any size works.
            scale: of the widths.
            ratios: inner width by the width, for each block of each stage.
            attention: registered name of the mechanism of the last stage; None keeps the
                convolutions there.
            attention_options: options of the mechanism.
            attention_dim: channels of the last stage, if it has attention.
            attention_depth: blocks of the last stage, if it has attention.
            mlp_ratio: hidden channels of its MLPs by its channels.
            head_width: channels of one attention head.

        Raises:
            UserError: `head_width` does not divide `attention_dim`.
        """
        super().__init__()
        widths = [_multiple(width * scale, 16) for width in WIDTHS]
        self.stem = nn.Sequential(conv_norm(3, STEM, 3, 2), nn.MaxPool2d(3, 2, 1))
        before, stages = STEM, []
        for stage, width in enumerate(widths):
            if stage == LAST and attention is not None:
                break
            mids = [_multiple(width * ratio, 8) for ratio in ratios[stage]]
            rest = [Shuffled(mid, width) for mid in mids[1:]]
            stages.append(nn.Sequential(Shrinking(before, mids[0], width), *rest))
            before = width
        self.stages = nn.ModuleList(stages)
        if attention is not None:
            widths[LAST] = attention_dim
            blocks = _blocks(attention, attention_dim, attention_depth, head_width, mlp_ratio,
                             attention_options or {})  # fmt: skip
            self.stages.append(AttentionStage(before, attention_dim, blocks))
        self.head = classifier(widths[LAST], num_classes)
        self.feature_info = [
            FeatureInfo(channels=width, stride=stride)
            for width, stride in zip(widths, STRIDES, strict=True)
        ]

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The maps of the stages, finest first; sides are rounded up."""
        x = self.stem(images)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the mean of the last map; without a classifier the mean."""
        return self.head(self.features(images)[-1].mean((2, 3)))


def _blocks(
    attention: str, dim: int, depth: int, head_width: int, mlp_ratio: float,
    options: Mapping[str, Any],
) -> list[Block]:  # fmt: skip
    if dim % head_width:
        raise UserError(f"head_width {head_width} must divide attention_dim {dim}")
    return [
        Block(
            placed_attention(attention, dim, dim // head_width, LAST, index, options),
            mlp_ratio=mlp_ratio,
        )
        for index in range(depth)
    ]


def _multiple(value: float, of: int) -> int:
    """The nearest multiple, at least 90 % of the value, as in MobileNet's code."""
    nearest = max(of, int(value + of / 2) // of * of)
    return nearest if nearest >= 0.9 * value else nearest + of
