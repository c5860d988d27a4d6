"""Pooling attention: keys and values come from a map that a strided convolution has shrunk.

Fan et al. 2021, MViT (https://arxiv.org/abs/2104.11227), eq. 1-4, with the pooled query added back
as in MViTv2 (https://arxiv.org/abs/2112.01526), eq. 4. Per head, P being a depthwise 3 × 3
convolution of stride r without bias and a norm, with weights that the heads share:

    K' = P_K(K),  V' = P_V(V),  Q' = P_Q(Q) with stride 1
    H  = softmax(Q' K'ᵀ / √d) V' + Q'

`sparse` (PVT) shrinks the tokens before the projections, this shrinks what comes out of them.
Equal to timm's `MultiScaleAttention` without relative positions, on copied weights. There, queries
may be pooled too, which makes the output smaller; a layer here keeps its map.

Strides of a trunk's stages are those of MViTv2 for keys and values: 4, 2, 1, 1. Sides are rounded
up: ⌈h/r⌉ × ⌈w/r⌉ keys.

MACs for n tokens of width C and k keys: 4 n C² + 9 n C + 18 k C + 2 n k C.
"""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import merge_heads
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import PLAIN_IMPLS, softmax_attention
from attnbench.errors import UserError
from attnbench.spec import Grid

STRIDES = (4, 2, 1, 1)
NORM_EPS = 1e-6


class PooledAttention(ProjectedAttention):
    """Softmax attention to pooled keys and values."""

    impls: ClassVar[tuple[str, ...]] = PLAIN_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "pooling is a convolution over the grid"
    qkv: nn.Linear

    def __init__(
        self, dim: int, num_heads: int, *, stride: int = STRIDES[0], **options: Any
    ) -> None:
        super().__init__(dim, num_heads, **options)
        if stride < 1:
            raise UserError(f"stride must be at least 1, got {stride}")
        self.stride = stride
        self.pool_q, self.pool_k, self.pool_v = (
            Pool(self.head_dim, of_stride) for of_stride in (1, stride, stride)
        )

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """MViTv2's stride of that stage."""
        return {"stride": STRIDES[stage]}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Pool, attend, and add the queries."""
        query, key, value = self.heads(self.qkv(x))
        query = self.pool_q(query, grid)
        key, value = self.pool_k(key, grid), self.pool_v(value, grid)
        mixed = softmax_attention(query, key, value, scale=self.scale, impl=self.impl)
        return self.proj_drop(self.proj(merge_heads(mixed + query)))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 9 n C + 18 k C + 2 n k C."""
        n, C = self.num_tokens(grid), self.dim
        k = ceil(grid[0] / self.stride) * ceil(grid[1] / self.stride)
        return batch * (4 * n * C**2 + 9 * n * C + 18 * k * C + 2 * n * k * C)


class Pool(nn.Module):
    """A depthwise convolution of the map of each head, and a norm."""

    def __init__(self, head_dim: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            head_dim, head_dim, 3, stride=stride, padding=1, groups=head_dim, bias=False
        )
        self.norm = nn.LayerNorm(head_dim, eps=NORM_EPS)

    def forward(
        self, x: Float[Tensor, "batch heads tokens head_dim"], grid: Grid
    ) -> Float[Tensor, "batch heads new_tokens head_dim"]:
        """The tokens of the new map."""
        image = x.flatten(0, 1).transpose(1, 2).unflatten(2, grid)
        tokens = self.conv(image).flatten(2).transpose(1, 2)
        return self.norm(tokens).unflatten(0, x.shape[:2])
