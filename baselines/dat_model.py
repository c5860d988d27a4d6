"""DAT: Swin's four stages, where every second block of the last two attends to moved places.

Xia et al. 2022 (https://arxiv.org/abs/2201.00520), the models of that year, built from `window` and
`deformable` attention. Stages 1 and 2 alternate plain and shifted windows, stages 3 and 4 windows
and deformable attention. A 2 × 2 convolution without bias and a norm shrink the map.

Departures from the authors' code: windows shift by 3 tokens where theirs shift by 4, which on whole
windows is the mirror image; and tokens that pad a map are masked (see `attention/window.py`).
"""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention
from attnbench.attention.factory import placed_attention
from attnbench.spec import Grid
from baselines.staged import Staged

DEFORMABLE_FROM = 2


class Shrink(nn.Module):
    """Each 2 × 2 tokens become one of twice the width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, 2 * dim, kernel_size=2, stride=2, bias=False)
        self.norm = nn.LayerNorm(2 * dim)

    def forward(
        self, image: Float[Tensor, "batch rows columns dim"]
    ) -> Float[Tensor, "batch new_rows new_columns new_dim"]:
        """Convolve and norm; a map of odd sides is padded with zeros."""
        image = F.pad(image, (0, 0, 0, image.shape[2] % 2, 0, image.shape[1] % 2))
        return self.norm(self.conv(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))


class Dat(Staged):
    """A DAT for images of any size: tables of biases are resized."""

    shrink = Shrink

    @staticmethod
    def attention(dim: int, num_heads: int, stage: int, block: int, image: Grid) -> Attention:
        """Windows, and from the third stage on moved places in every second block."""
        deformable = stage >= DEFORMABLE_FROM and block % 2 == 1
        name = "deformable" if deformable else "window"
        return placed_attention(name, dim, num_heads, stage, block, {})
