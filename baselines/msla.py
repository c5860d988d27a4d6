"""Multi-scale linear attention: relu features of the tokens, and of their 5 × 5 surroundings.

Cai et al. 2023, EfficientViT (https://arxiv.org/abs/2205.14756), section 3.1. Q, K and V are taken
at two scales: as projected, and aggregated by a depthwise 5 × 5 convolution and a 1 × 1 convolution
within each head. At both, linear attention with relu features (see `attention/linear.py`); both
results side by side, 2 C channels, are projected to C.

Equal to timm's `LiteMLA` without its batch norm, on copied weights. Departure: the number of heads
is the trunk's, where EfficientViT has as many heads as fit with a width of 16 or 32.

MACs for n tokens of width C in heads of width d: 3 n C² + 75 n C + 3 n C d (the second scale) +
2 (2 n C d + n C) + 2 n C².
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import linear
from attnbench.attention.linear import kernel_attention
from attnbench.attention.projected import ProjectedAttention
from attnbench.spec import Grid

KERNEL = 5


class MultiScaleLinearAttention(ProjectedAttention):
    """Linear attention at two scales."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "the second scale is a convolution over the grid"
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        self.aggregate = nn.Sequential(
            nn.Conv2d(3 * dim, 3 * dim, KERNEL, padding=KERNEL // 2, groups=3 * dim, bias=False),
            nn.Conv2d(3 * dim, 3 * dim, 1, groups=3 * num_heads, bias=False),
        )
        self.proj = linear(2 * dim, dim)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend at both scales, and project."""
        near = self.qkv(x)
        image = near.transpose(1, 2).unflatten(2, grid)
        far = self.aggregate(image).flatten(2).transpose(1, 2)
        mixed = []
        for scale in (near, far):
            query, key, value = self.heads(scale)
            mixed.append(kernel_attention(query.relu(), key.relu(), value))
        return self.output(torch.cat(mixed, dim=1))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """5 n C² + 7 n C d + 77 n C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (5 * C + 7 * self.head_dim + 3 * KERNEL**2 + 2)
