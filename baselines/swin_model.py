"""Swin: four stages of (shifted) windows; between them 2 × 2 tokens are merged into one.

Liu et al. 2021 (https://arxiv.org/abs/2103.14030), built from the suite's blocks and `window`
attention. Parameter names are timm's except for `head`, so `load_state_dict` takes timm's weights.
There are no absolute positions, so any input size works.

Departure from the authors' code: tokens that pad a map to whole windows are masked as keys (see
`attention/window.py`). At 224 px nothing is padded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import linear
from attnbench.attention.factory import attention_class, create_attention
from attnbench.models.backbone import Backbone, FeatureInfo, classifier
from attnbench.models.block import Block
from attnbench.spec import Grid

HEAD_WIDTH = 32
PATCH = 4
NORM_EPS = 1e-5
"""Swin keeps torch's default, where DeiT has 1e-6."""


class PatchEmbed(nn.Module):
    """Patches of 4 × 4 pixels, each projected to a token and normed."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(dim)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch rows columns dim"]:
        """Cut and project; an image that is no multiple of the patch is padded with zeros."""
        height, width = images.shape[-2:]
        image = self.proj(F.pad(images, (0, -width % PATCH, 0, -height % PATCH)))
        return self.norm(image.permute(0, 2, 3, 1))


class PatchMerging(nn.Module):
    """Each 2 × 2 tokens become one of twice the width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = linear(4 * dim, 2 * dim, bias=False)

    def forward(
        self, image: Float[Tensor, "batch rows columns dim"]
    ) -> Float[Tensor, "batch new_rows new_columns new_dim"]:
        """Concatenate the four (column by column), norm, project."""
        image = F.pad(image, (0, 0, 0, image.shape[2] % 2, 0, image.shape[1] % 2))
        batch, rows, columns, dim = image.shape
        four = image.reshape(batch, rows // 2, 2, columns // 2, 2, dim).permute(0, 1, 3, 4, 2, 5)
        return self.reduction(self.norm(four.flatten(3)))


class Stage(nn.Module):
    """Merging, except before the first stage, then blocks; every other one shifts its windows."""

    def __init__(self, dim: int, depth: int, index: int) -> None:
        super().__init__()
        self.downsample = PatchMerging(dim // 2) if index else nn.Identity()
        options = [attention_class("window").options_at(stage=index, block=b) for b in range(depth)]
        self.blocks = nn.ModuleList(
            Block(create_attention("window", dim, dim // HEAD_WIDTH, **each)) for each in options
        )

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


class Swin(Backbone):
    """A Swin with windows of 7 × 7 tokens, for images of any size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        dim: int,
        depths: Sequence[int],
    ) -> None:
        """Build it; `img_size` is ignored, since any size works."""
        super().__init__()
        self.patch_embed = PatchEmbed(dim)
        self.layers = nn.ModuleList(
            Stage(dim * 2**index, depth, index) for index, depth in enumerate(depths)
        )
        last = dim * 2 ** (len(depths) - 1)
        self.norm = nn.LayerNorm(last)
        self.head = classifier(last, num_classes)
        self.feature_info = [
            FeatureInfo(channels=dim * 2**index, stride=PATCH * 2**index)
            for index in range(len(depths))
        ]
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = NORM_EPS

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The maps of the stages, the last one normed."""
        image = self.patch_embed(images)
        maps: list[Tensor] = []
        for stage in self.layers:
            image = stage(image)
            maps.append(image)
        return [one.permute(0, 3, 1, 2) for one in (*maps[:-1], self.norm(maps[-1]))]

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the mean of the last map; without a classifier the mean."""
        return self.head(self.features(images)[-1].mean((2, 3)))
