"""Dense softmax attention, the yardstick, and its control with one projection for Q and K.

Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), as DeiT uses it: per head
softmax(Q Kᵀ / √d) V, heads concatenated and projected.

`dense-shared-qk` is no published mechanism. Anchor attention drops the query projection and
replaces the n × n products; this control drops the projection alone, so that the two savings can
be told apart. Its scores K Kᵀ are symmetric before the softmax.

MACs for n tokens of width C: 3 n C² + 2 n² C + n C² (shared: 2 n C² in place of 3 n C²).
"""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, linear, merge_heads, split_heads
from attnbench.attention.softmax import IMPLS, softmax_attention
from attnbench.spec import Grid


class DenseAttention(Attention):
    """Every token attends to every token."""

    impls: ClassVar[tuple[str, ...]] = IMPLS
    takes_position_bias: ClassVar[bool] = True

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        qkv_bias: bool = True,
        proj_drop: float = 0.0,
        impl: str = "reference",
        num_prefix_tokens: int = 0,
    ) -> None:
        super().__init__(dim, num_heads, impl=impl, num_prefix_tokens=num_prefix_tokens)
        self.qkv = linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        grid: Grid,
        position_bias: Float[Tensor, "... tokens tokens"] | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend over all tokens; see `Attention.takes_position_bias`."""
        query, key, value = (split_heads(t, self.num_heads) for t in self.qkv(x).chunk(3, dim=-1))
        mixed = softmax_attention(
            query, key, value, scale=self.scale, impl=self.impl, bias=position_bias
        )
        return self.proj_drop(self.proj(merge_heads(mixed)))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n² C."""
        n = self.num_tokens(grid)
        return batch * (4 * n * self.dim**2 + 2 * n**2 * self.dim)


class SharedQKAttention(Attention):
    """Dense attention whose queries are its keys."""

    impls: ClassVar[tuple[str, ...]] = IMPLS
    takes_position_bias: ClassVar[bool] = True

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        qkv_bias: bool = True,
        proj_drop: float = 0.0,
        impl: str = "reference",
        num_prefix_tokens: int = 0,
    ) -> None:
        super().__init__(dim, num_heads, impl=impl, num_prefix_tokens=num_prefix_tokens)
        self.kv = linear(dim, 2 * dim, bias=qkv_bias)
        self.proj = linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        grid: Grid,
        position_bias: Float[Tensor, "... tokens tokens"] | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend over all tokens, keys standing in for queries."""
        key, value = (split_heads(t, self.num_heads) for t in self.kv(x).chunk(2, dim=-1))
        mixed = softmax_attention(
            key, key, value, scale=self.scale, impl=self.impl, bias=position_bias
        )
        return self.proj_drop(self.proj(merge_heads(mixed)))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """3 n C² + 2 n² C."""
        n = self.num_tokens(grid)
        return batch * (3 * n * self.dim**2 + 2 * n**2 * self.dim)
