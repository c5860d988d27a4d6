"""Cross-covariance attention: channels attend to channels, over all tokens.

El-Nouby et al. 2021, XCiT (https://arxiv.org/abs/2106.09681), eq. 3. Per head of width d, with the
columns of Q and K (one for each channel, n long) scaled to length 1, and a learned temperature τ:

    H = V softmax(K̂ᵀ Q̂ τ)        a d × d matrix; linear in n

Tokens mix only through that matrix, so a trunk needs another way to tell neighbours apart (XCiT
adds convolutions in each block, which are not part of this layer). Equal to timm's `XCA` on copied
weights. Lengths and softmax are in float32 at least.

MACs for n tokens of width C: 4 n C² + 2 n C d.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.spec import Grid


class CrossCovarianceAttention(ProjectedAttention):
    """Softmax attention between channels."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        self.temperature = nn.Parameter(torch.ones(num_heads, 1, 1))

    def no_weight_decay(self) -> set[str]:
        """The temperatures."""
        return {"temperature"}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Mix the channels of each head, by how they agree over all tokens."""
        query, key, value = self.heads(self.qkv(x))
        scores = _columns(query).transpose(-2, -1) @ _columns(key)  # (batch, heads, d, d)
        scores = scores * self.temperature
        weights = scores.softmax(-1, dtype=statistics_dtype(scores)).to(value.dtype)
        return self.output(value @ weights.transpose(-2, -1))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n C d."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + 2 * self.head_dim)


def _columns(
    x: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """Each channel scaled to length 1 over the tokens."""
    return F.normalize(x.to(statistics_dtype(x)), dim=-2).to(x.dtype)
