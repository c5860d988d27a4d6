"""Linear attention: a product of features in place of the softmax, evaluated right to left.

Katharopoulos et al. 2020 (https://arxiv.org/abs/2006.16236), without causality. Per head, with a
feature map φ that is never negative:

    H_i = φ(q_i) Σ_j φ(k_j)ᵀ v_j / φ(q_i) Σ_j φ(k_j)ᵀ        eq. 4-5: no n × n matrix

φ is elu(x) + 1 as in the paper, or relu (`feature="relu"`), as in EfficientViT. A query whose
features are all zero (relu) gets zero. There is no scale 1 / √d, as in the paper.

`kernel_attention` is shared by `focused-linear`, `msla` and `performer`.

MACs for n tokens of width C in heads of width d: 4 n C² + 2 n C d + n C (denominator).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.errors import UserError
from attnbench.spec import Grid

LEAST_SUM = 1e-6
"""A smaller sum of scaled features counts as none."""
LEAST_FEATURE = 1e-7
"""If none of them is larger, features count as zero: scaled up, so would be their gradients."""


def kernel_attention(
    query: Float[Tensor, "*batch n features"],
    key: Float[Tensor, "*batch k features"],
    value: Float[Tensor, "*batch k d"],
) -> Float[Tensor, "*batch n d"]:
    """Means of the values, weighted by the products of non-negative features.

    Features are scaled first, which cancels: the largest one of a query is 1, that of the keys
    1 / √k. So products in the dtype of `value` neither overflow nor vanish in float16.
    """
    query = _scaled(query, (-1,)).to(value.dtype)
    key = _scaled(key, (-2, -1), key.shape[-2] ** -0.5).to(value.dtype)
    collected = key.transpose(-2, -1) @ value  # (*batch, features, d)
    mass = key.sum(-2).unsqueeze(-1)  # (*batch, features, 1)
    mixed, total = query @ collected, query @ mass
    total = total.to(statistics_dtype(total))
    return (mixed / torch.where(total > LEAST_SUM, total, 1.0)).to(value.dtype)


def _scaled(features: Tensor, dims: tuple[int, ...], largest: float = 1.0) -> Tensor:
    """Scaled so that the largest along these axes is `largest`, or zero if it is nearly zero."""
    with torch.no_grad():
        top = features.amax(dims, keepdim=True).to(statistics_dtype(features))
        scale = torch.where(top > LEAST_FEATURE, largest / top, 0.0)
    return features * scale


class LinearAttention(ProjectedAttention):
    """Kernel attention with features of each channel alone."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, *, feature: str = "elu", **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        if feature not in ("elu", "relu"):
            raise UserError(f"feature must be 'elu' or 'relu', got {feature!r}")
        self.feature = feature

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Collect the values by the features of the keys, and read them by those of the queries."""
        query, key, value = self.heads(self.qkv(x))
        return self.output(kernel_attention(self._features(query), self._features(key), value))

    def _features(self, x: Tensor) -> Tensor:
        if self.feature == "relu":
            return x.relu()
        # elu(x) + 1; torch 2.15 compiles the backward pass of its own elu for other strides.
        return x.relu() + x.clamp(max=0).exp()

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n C d + n C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + 2 * self.head_dim + 1)
