"""Castling attention: linear attention by the angle between queries and keys.

You et al. 2023, Castling-ViT (https://arxiv.org/abs/2211.10526). The angular kernel
1 - angle(q, k) / π is cut after its first two terms, 1/2 + q̂ · k̂ / π, with q̂ = q / ‖q‖ and
k̂ = k / ‖k‖. Per head, for each token,

    mixed = v / 2 + q̂ (k̂ᵀ V) / π,    out = mixed / ‖mixed‖ + (depthwise convolution of V)

The products run from right to left, so there is no n × n matrix. The convolution has 9 taps along
the sequence, prefix tokens included, one kernel for each head and no bias.

As in the authors' code, the 1/2 multiplies the token's own value and not the sum of all values, and
the result is divided by its length and not by the sum of similarities. Departure: their training
adds masked softmax attention, which is dropped for inference. It is left out here, so the layer is
the one of inference in training too.

MACs for n tokens of width C in heads of width d: 4 n C² + 2 n C d + 9 n C.
"""

from __future__ import annotations

from math import pi
from typing import Any, ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.spec import Grid

TAPS = 9
"""Of the convolution of V along the sequence."""


class CastlingAttention(ProjectedAttention):
    """Linear-angular attention with a depthwise convolution beside it."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, **options: Any) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            options: see `ProjectedAttention`.
        """
        super().__init__(dim, num_heads, **options)
        self.local = nn.Conv2d(
            num_heads, num_heads, (TAPS, 1), padding=(TAPS // 2, 0), groups=num_heads, bias=False
        )

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Mix all tokens by the angles, and neighbours of the sequence by the convolution."""
        query, key, value = self.heads(self.qkv(x))
        mixed = linear_angular(query, key, value)
        return self.output(unit(mixed) + self.local(value))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n C d + 9 n C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + 2 * self.head_dim + TAPS)


def linear_angular(
    query: Float[Tensor, "batch heads tokens head_dim"],
    key: Float[Tensor, "batch heads tokens head_dim"],
    value: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """V / 2 + q̂ (k̂ᵀ V) / π."""
    summary = unit(key).transpose(-2, -1) @ value  # (batch, heads, head_dim, head_dim)
    return value / 2 + unit(query) @ summary / pi


def unit(x: Float[Tensor, "*batch head_dim"]) -> Float[Tensor, "*batch head_dim"]:
    """Vectors of length 1 in the same direction; zero stays zero."""
    return F.normalize(x.to(statistics_dtype(x)), dim=-1).to(x.dtype)
