"""Performer: linear attention whose random features approximate the softmax (FAVOR+).

Choromanski et al. 2021 (https://arxiv.org/abs/2009.14794), eq. 5 and 7. Per head, with m random
vectors ω (orthogonal in blocks of d, with the lengths of normal vectors) and x' = x d^-¼:

    φ(x) = exp(ω x' - |x'|² / 2 - c) / √m + ε        the mean of φ(q) φ(k)ᵀ over ω is exp(q kᵀ / √d)
    H = φ(Q) (φ(K)ᵀ V) / φ(Q) φ(K)ᵀ 1

c is the largest exponent of the query, or of all keys; it cancels but for ε = 1e-6.

The vectors are drawn once, when the layer is built, and kept with its weights (a buffer, in the
state dict), so that a call draws nothing: the same seed gives the same layer. The authors draw them
anew during training. Exponents are in float32 at least.

MACs for n tokens of width C and h heads: 4 n C² + 4 n m C + n m h (denominator).
"""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.linear import kernel_attention
from attnbench.attention.projected import ProjectedAttention
from attnbench.errors import UserError
from attnbench.spec import Grid

EPSILON = 1e-6


class PerformerAttention(ProjectedAttention):
    """Kernel attention with positive random features."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear
    features: Tensor

    def __init__(self, dim: int, num_heads: int, *, num_features: int = 64, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        if num_features < 1:
            raise UserError(f"num_features must be at least 1, got {num_features}")
        self.num_features = num_features
        self.register_buffer("features", random_features(num_features, self.head_dim))

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend by features."""
        query, key, value = self.heads(self.qkv(x))
        by_query, by_key = self._exponents(query), self._exponents(key)
        by_query = by_query - by_query.amax(-1, keepdim=True).detach()
        by_key = by_key - by_key.amax((-2, -1), keepdim=True).detach()
        return self.output(kernel_attention(self._exp(by_query), self._exp(by_key), value))

    def _exponents(
        self, x: Float[Tensor, "batch heads tokens head_dim"]
    ) -> Float[Tensor, "batch heads tokens features"]:
        x = x.to(statistics_dtype(x)) * self.scale**0.5
        along = x @ self.features.to(x.dtype).transpose(0, 1)
        return along - x.square().sum(-1, keepdim=True) / 2

    def _exp(self, exponents: Tensor) -> Tensor:
        return (exponents.exp() + EPSILON) * self.num_features**-0.5

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 4 n m C + n m h."""
        n, m, C = self.num_tokens(grid), self.num_features, self.dim
        return batch * (4 * n * C**2 + 4 * n * m * C + n * m * self.num_heads)


def random_features(count: int, dim: int) -> Float[Tensor, "count dim"]:
    """Vectors at right angles in blocks of `dim`, with the lengths of standard normal vectors."""
    blocks = torch.linalg.qr(torch.randn(ceil(count / dim), dim, dim))[0]
    directions = blocks.transpose(1, 2).flatten(0, 1)[:count]
    return directions * torch.randn(count, dim).norm(dim=1, keepdim=True)
