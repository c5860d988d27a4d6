"""The four-stage trunk: maps at strides 4, 8, 16 and 32, with any mechanism in each stage.

The plan is that of PVTv2 (https://arxiv.org/abs/2106.13797): an overlapping convolution shrinks
the map before each stage, blocks are pre-norm, the MLP has a depthwise 3 × 3 convolution. There
are no absolute positions, so any input size works. For small images the first convolution may
shrink less (`stem_stride`); the other strides stay 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.factory import placed_attention
from attnbench.errors import UserError
from attnbench.models.backbone import Backbone, FeatureInfo, classifier
from attnbench.models.block import NORM_EPS, Block
from attnbench.spec import Grid


class OverlapEmbed(nn.Module):
    """A convolution whose patches overlap by about half: kernel 2 · stride - 1, at least 3."""

    def __init__(self, in_chans: int, dim: int, stride: int) -> None:
        super().__init__()
        kernel = max(3, 2 * stride - 1)
        self.proj = nn.Conv2d(in_chans, dim, kernel, stride=stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)

    def forward(
        self, image: Float[Tensor, "batch channels height width"]
    ) -> tuple[Float[Tensor, "batch tokens dim"], Grid]:
        """Tokens of the shrunk map, and its grid: ⌈side / stride⌉."""
        image = self.proj(image)
        grid = int(image.shape[2]), int(image.shape[3])
        return self.norm(image.flatten(2).transpose(1, 2)), grid


class Stage(nn.Module):
    """A convolution that shrinks the map, blocks at one resolution, and a norm."""

    def __init__(self, embed: OverlapEmbed, blocks: Sequence[Block], dim: int) -> None:
        super().__init__()
        self.embed = embed
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)

    def forward(
        self, image: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim new_height new_width"]:
        """The map of this stage."""
        tokens, grid = self.embed(image)
        for block in self.blocks:
            tokens = block(tokens, grid)
        return self.norm(tokens).transpose(1, 2).unflatten(2, grid)


class Pyramid(Backbone):
    """A four-stage vision transformer for images of any size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        attention: str | Sequence[str] = "dense",
        attention_options: Mapping[str, Any] | None = None,
        dims: Sequence[int] = (32, 64, 160, 256),
        depths: Sequence[int] = (1, 4, 6, 2),
        head_width: int = 32,
        mlp_ratio: float = 4.0,
        in_chans: int = 3,
        stem_stride: int = 4,
    ) -> None:
        """Build it for images of any size.

        Args:
            num_classes: logits; 0 builds it without a classifier.
            img_size: ignored, since any size works.
            attention: registered name, or one per stage.
            attention_options: options of the mechanism; they override those of its stage.
            dims: channels of each stage.
            depths: blocks of each stage.
            head_width: channels of one attention head.
            mlp_ratio: hidden channels of the MLP by those of the stage.
            in_chans: channels of the images.
            stem_stride: stride of the first convolution.

        Raises:
            UserError: the lists have different lengths, or `head_width` does not divide `dims`.
        """
        super().__init__()
        names = [attention] * len(dims) if isinstance(attention, str) else list(attention)
        if not len(names) == len(dims) == len(depths):
            raise UserError(
                "attention, dims and depths must have one value per stage; "
                f"got {len(names)}, {len(dims)} and {len(depths)}"
            )
        if any(dim % head_width for dim in dims):
            raise UserError(f"head_width {head_width} must divide each of dims {tuple(dims)}")
        options = dict(attention_options or {})
        self.stages = nn.ModuleList()
        for index, (name, dim, depth) in enumerate(zip(names, dims, depths, strict=True)):
            blocks = [
                Block(
                    placed_attention(name, dim, dim // head_width, index, block, options),
                    mlp_ratio=mlp_ratio,
                    depthwise=True,
                )
                for block in range(depth)
            ]
            stride = 2 if index else stem_stride
            embed = OverlapEmbed(dims[index - 1] if index else in_chans, dim, stride)
            self.stages.append(Stage(embed, blocks, dim))
        self.head = classifier(dims[-1], num_classes)
        self.feature_info = [
            FeatureInfo(channels=dim, stride=stem_stride * 2**index)
            for index, dim in enumerate(dims)
        ]

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The normed maps of the stages, finest first; sides are rounded up."""
        maps: list[Tensor] = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        return maps

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the mean of the last map; without a classifier the mean."""
        return self.head(self.features(images)[-1].mean((2, 3)))
