"""The trunk of Swin and its relatives: an embedding, then stages of blocks on ever smaller maps.

Maps have their channels last. There are no absolute positions, so any input size works. As in timm,
`features` gives the maps as they leave the stages. The norm after the last stage belongs to the
classifier; heads for dense prediction norm each map (`norm_maps`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention
from attnbench.models.backbone import Backbone, FeatureInfo, classifier
from attnbench.models.block import Block
from attnbench.spec import Grid

PATCH = 4
HEAD_WIDTH = 32
NORM_EPS = 1e-5
"""These models keep torch's default, where DeiT has 1e-6."""


class PatchEmbed(nn.Module):
    """Patches of 4 × 4 pixels, each projected to a token and normed."""

    kernel_size: ClassVar[int] = PATCH
    padding: ClassVar[int] = 0

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, self.kernel_size, stride=PATCH, padding=self.padding)
        self.norm = nn.LayerNorm(dim)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch rows columns dim"]:
        """Cut and project; an image that is no multiple of the patch is padded with zeros."""
        height, width = images.shape[-2:]
        image = self.proj(F.pad(images, (0, -width % PATCH, 0, -height % PATCH)))
        return self.norm(image.permute(0, 2, 3, 1))


class Stage(nn.Module):
    """A layer that shrinks the map, or none before the first stage, then blocks."""

    def __init__(self, downsample: nn.Module, blocks: Iterable[Block]) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.ModuleList(blocks)

    def forward(
        self, image: Float[Tensor, "batch rows columns dim"]
    ) -> Float[Tensor, "batch new_rows new_columns new_dim"]:
        """The map of this stage."""
        image = self.downsample(image)
        grid: Grid = (int(image.shape[1]), int(image.shape[2]))
        tokens = image.flatten(1, 2)
        for block in self.blocks:
            tokens = block(tokens, grid)
        return tokens.unflatten(1, grid)


class Staged(Backbone, ABC):
    """A trunk of stages, each with maps of half the side and twice the channels."""

    embed: ClassVar[type[PatchEmbed]] = PatchEmbed

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        dim: int,
        depths: Sequence[int],
        head_width: int = HEAD_WIDTH,
    ) -> None:
        """Put the stages together.

        Args:
            num_classes: logits; 0 builds it without a classifier and the weights of its norm.
            img_size: pixels, side or (height, width); any other size works too.
            dim: channels of the first stage.
            depths: blocks of each stage, finest first.
            head_width: channels of one attention head.
        """
        super().__init__()
        sides = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.patch_embed = self.embed(dim)
        self.layers = nn.ModuleList()
        for index, depth in enumerate(depths):
            width = dim * 2**index
            heads = width // head_width
            blocks = [Block(self.attention(width, heads, index, b, sides)) for b in range(depth)]
            self.layers.append(Stage(self.shrink(width // 2) if index else nn.Identity(), blocks))
        last = dim * 2 ** (len(depths) - 1)
        self.norm = nn.LayerNorm(last, elementwise_affine=num_classes > 0)
        self.head = classifier(last, num_classes)
        self.feature_info = [
            FeatureInfo(channels=dim * 2**index, stride=PATCH * 2**index)
            for index in range(len(depths))
        ]
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = NORM_EPS

    @staticmethod
    @abstractmethod
    def shrink(dim: int) -> nn.Module:
        """What halves a map (batch, rows, columns, dim) and doubles its channels."""

    @staticmethod
    @abstractmethod
    def attention(dim: int, num_heads: int, stage: int, block: int, image: Grid) -> Attention:
        """The mechanism of a block; `image` is the size in pixels that the model is built for."""

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The maps of the stages, finest first; sides are rounded up."""
        image = self.patch_embed(images)
        maps: list[Tensor] = []
        for stage in self.layers:
            image = stage(image)
            maps.append(image.permute(0, 3, 1, 2))
        return maps

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the mean of the normed last map; without a classifier this mean."""
        last = self.features(images)[-1].permute(0, 2, 3, 1)
        return self.head(self.norm(last).mean((1, 2)))
