"""Swin: four stages of (shifted) windows; between them 2 × 2 tokens are merged into one.

Liu et al. 2021 (https://arxiv.org/abs/2103.14030), built from the suite's blocks and `window`
attention. Parameter names are timm's except for `head`, so `load_state_dict` takes timm's weights.

Departure from the authors' code: tokens that pad a map to whole windows are masked as keys (see
`attention/window.py`). At 224 px nothing is padded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import linear
from attnbench.attention.factory import placed_attention
from attnbench.models.block import Block
from baselines.staged import Stage, Staged

HEAD_WIDTH = 32


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


class Swin(Staged):
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
        super().__init__(num_classes, [_stage(dim, *each) for each in enumerate(depths)], dim)


def _stage(first_dim: int, index: int, depth: int) -> Stage:
    dim = first_dim * 2**index
    attentions = [
        placed_attention("window", dim, dim // HEAD_WIDTH, index, block, {})
        for block in range(depth)
    ]
    merging = PatchMerging(dim // 2) if index else nn.Identity()
    return Stage(merging, [Block(attention) for attention in attentions])
