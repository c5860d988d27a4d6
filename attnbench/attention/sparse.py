"""Spatial-reduction attention: every token attends to a reduced map.

Wang et al. 2021, PVT (https://arxiv.org/abs/2102.12122): keys and values come from
LayerNorm(Conv(x)), a convolution of kernel and stride r that turns an h × w map into
⌈h/r⌉ × ⌈w/r⌉; queries come from all tokens. With r = 1 this is dense attention.

PVT's four stages use r = 8, 4, 2, 1, which gives 7 × 7 keys everywhere at 224 px.

Departure from PVT's code: a map that is no multiple of r is padded with zeros at the bottom and
right, so that every token counts; theirs drops the remainder. Both are equal where r divides the
map.

MACs for n tokens of width C and k = ⌈h/r⌉ ⌈w/r⌉ keys:
n C² (Q) + k r² C² (convolution, r > 1) + 2 k C² (K, V) + 2 n k C + n C² (output).
"""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import IMPLS, softmax_attention
from attnbench.errors import UserError
from attnbench.spec import Grid

PVT_SR_RATIOS = (8, 4, 2, 1)
"""PVT, table 1: reduction per stage."""


class SpatialReductionAttention(ProjectedAttention):
    """Softmax attention over keys and values of a map reduced `sr_ratio` times a side."""

    impls: ClassVar[tuple[str, ...]] = IMPLS
    projections: ClassVar[dict[str, int]] = {"q": 1, "kv": 2}
    refuses_prefix_tokens: ClassVar[str] = "the reduction is a convolution over the grid"
    q: nn.Linear
    kv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        sr_ratio: int = PVT_SR_RATIOS[0],
        **options: Any,
    ) -> None:
        super().__init__(dim, num_heads, **options)
        if sr_ratio < 1:
            raise UserError(f"sr_ratio must be at least 1, got {sr_ratio}")
        self.sr_ratio = sr_ratio
        if sr_ratio > 1:
            self.sr = nn.Conv2d(dim, dim, kernel_size=sr_ratio, stride=sr_ratio)
            self.norm = nn.LayerNorm(dim)

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """PVT's reduction of that stage."""
        return {"sr_ratio": PVT_SR_RATIOS[stage]}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend from all tokens to the reduced map."""
        (query,) = self.heads(self.q(x))
        key, value = self.heads(self.kv(self._reduce(x, grid)))
        return self.output(softmax_attention(query, key, value, scale=self.scale, impl=self.impl))

    def _reduce(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch keys dim"]:
        if self.sr_ratio == 1:
            return x
        height, width = grid
        image = x.transpose(1, 2).reshape(x.shape[0], self.dim, height, width)
        image = F.pad(image, (0, -width % self.sr_ratio, 0, -height % self.sr_ratio))
        return self.norm(self.sr(image).flatten(2).transpose(1, 2))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """2 n C² + k r² C² + 2 k C² + 2 n k C."""
        n, r, C = self.num_tokens(grid), self.sr_ratio, self.dim
        k = ceil(grid[0] / r) * ceil(grid[1] / r)
        reduction = k * r**2 * C**2 if r > 1 else 0
        return batch * (2 * n * C**2 + reduction + 2 * k * C**2 + 2 * n * k * C)
