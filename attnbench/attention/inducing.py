"""Inducing points: tokens talk through a few learned queries, in two softmax attentions.

Lee et al. 2019, Set Transformer (https://arxiv.org/abs/1810.00825), eq. 9 (ISAB), and the latents
of Perceiver; the ancestor of learned anchors. Per head, with m learned points I (m × d):

    B = softmax(I Kᵀ / √d) V                     the points read the tokens         m × d
    H = softmax(Q (B W_K)ᵀ / √d) B W_V           the tokens read the points         n × d

Anchor attention reads and writes with one map A. Here they are two, Q is a projection of its own,
and each point's reading is normalised over tokens.

Departures: the norms and MLPs of a MAB block are those of the trunk; the points are learned as
queries, and the output projection of the first attention is merged into W_K and W_V, because
nothing stands between them. Points start with standard deviation 1, so that they differ.

MACs for n tokens of width C: 4 n C² + 2 m C² + 4 n m C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import linear, merge_heads
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import PLAIN_IMPLS, softmax_attention
from attnbench.errors import UserError
from attnbench.spec import Grid


class InducingAttention(ProjectedAttention):
    """Softmax attention to learned points, which attend to the tokens."""

    impls: ClassVar[tuple[str, ...]] = PLAIN_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        num_points: int = 30,
        qkv_bias: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(dim, num_heads, qkv_bias=qkv_bias, **options)
        if num_points < 1:
            raise UserError(f"num_points must be at least 1, got {num_points}")
        self.num_points = num_points
        self.points = nn.Parameter(torch.empty(num_heads, num_points, self.head_dim))
        nn.init.normal_(self.points)
        self.kv_points = linear(dim, 2 * dim, bias=qkv_bias)

    def no_weight_decay(self) -> set[str]:
        """The points."""
        return {"points"}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """The points attend to the tokens, then the tokens to the points."""
        query, key, value = self.heads(self.qkv(x))
        points = self.points.expand(x.shape[0], -1, -1, -1)
        read = self._attend(points, key, value)  # (batch, heads, points, head_dim)
        key, value = self.heads(self.kv_points(merge_heads(read)))
        return self.output(self._attend(query, key, value))

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return softmax_attention(query, key, value, scale=self.scale, impl=self.impl)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 m C² + 4 n m C."""
        n, m, C = self.num_tokens(grid), self.num_points, self.dim
        return batch * (4 * n * C**2 + 2 * m * C**2 + 4 * n * m * C)
