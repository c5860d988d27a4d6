"""Swin: four stages of (shifted) windows, between which 2 × 2 tokens are merged into one.

Liu et al. 2021 (https://arxiv.org/abs/2103.14030). The blocks and the `window` attention are the
suite's own; parameter names are timm's, `head` apart, so that weights move over by
`load_state_dict`. There are no absolute positions, so any input size works.

Departure from the authors' code: tokens that fill up a map to whole windows are nobody's keys (see
`attention/window.py`). At 224 px nothing is filled up.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import linear
from attnbench.attention.factory import attention_class, create_attention
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
        """Cut and project; an image that is no multiple of the patch is filled up with zeros."""
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
    """Merging (not before the first stage), then blocks whose windows shift in every other one."""

    def __init__(self, dim: int, depth: int, index: int) -> None:
        super().__init__()
        self.downsample = PatchMerging(dim // 2) if index else nn.Identity()
        places = [attention_class("window").options_at(stage=index, block=b) for b in range(depth)]
        self.blocks = nn.ModuleList(
            Block(create_attention("window", dim, dim // HEAD_WIDTH, **place)) for place in places
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


class Swin(nn.Module):
    """A Swin with windows of 7 × 7 tokens, for images of any size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        dim: int,
        depths: Sequence[int],
    ) -> None:
        """`img_size` binds nothing here."""
        super().__init__()
        self.patch_embed = PatchEmbed(dim)
        self.layers = nn.ModuleList(
            Stage(dim * 2**index, depth, index) for index, depth in enumerate(depths)
        )
        last = dim * 2 ** (len(depths) - 1)
        self.norm = nn.LayerNorm(last)
        self.head = linear(last, num_classes)
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = NORM_EPS

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the mean of the last map."""
        image = self.patch_embed(images)
        for stage in self.layers:
            image = stage(image)
        return self.head(self.norm(image).mean((1, 2)))
