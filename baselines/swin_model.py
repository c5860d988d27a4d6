"""Swin: four stages of (shifted) windows; between them 2 × 2 tokens are merged into one.

Liu et al. 2021 (https://arxiv.org/abs/2103.14030), built from the suite's blocks and `window`
attention. Parameter names are timm's except for `head`, so `load_state_dict` takes timm's weights.

Departure from the authors' code: tokens that pad a map to whole windows are masked as keys (see
`attention/window.py`). At 224 px nothing is padded.
"""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, linear
from attnbench.attention.factory import placed_attention
from attnbench.spec import Grid
from baselines.staged import Staged


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

    shrink = PatchMerging

    @staticmethod
    def attention(dim: int, num_heads: int, stage: int, block: int, image: Grid) -> Attention:
        """Plain and shifted windows in turn."""
        return placed_attention("window", dim, num_heads, stage, block, {})
