"""Nyströmformer: the softmax matrix from its rows and columns at a few landmarks.

Xiong et al. 2021 (https://arxiv.org/abs/2102.03902), eq. 13 and 14. Per head, with landmarks Q̃ and
K̃, the means of m equal segments of the queries and keys in reading order:

    F = softmax(Q K̃ᵀ / √d)      n × m
    A = softmax(Q̃ K̃ᵀ / √d)      m × m
    B = softmax(Q̃ Kᵀ / √d)      m × n
    H = F (A⁺ (B V))

A⁺ is found by six steps of the iteration Z ← ¼ Z (13 I - A Z (15 I - A Z (7 I - A Z))), which
starts at Aᵀ / (largest column sum · largest row sum). They invert what is not too small in A.

Where m does not divide n, segments differ by a token or overlap by one. With fewer than m tokens,
each is a landmark. The depthwise convolution of V that the authors add for some tasks is left out.
From A to A⁺ (B V) all is in float32 at least.

MACs for n tokens of width C and h heads: 4 n C² + 4 n m C + 2 m² C + 24 m³ h.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.errors import UserError
from attnbench.spec import Grid

STEPS = 6


class NystromAttention(ProjectedAttention):
    """Softmax attention approximated by landmarks."""

    at_most_tokens: ClassVar[tuple[str, ...]] = ("num_landmarks",)
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(
        self, dim: int, num_heads: int, *, num_landmarks: int = 32, **options: Any
    ) -> None:
        super().__init__(dim, num_heads, **options)
        if num_landmarks < 1:
            raise UserError(f"num_landmarks must be at least 1, got {num_landmarks}")
        self.num_landmarks = num_landmarks

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend by landmarks."""
        query, key, value = self.heads(self.qkv(x))
        query = query * self.scale
        few_queries, few_keys = self._landmarks(query), self._landmarks(key)
        read = _softmax(few_queries.to(key.dtype) @ key.transpose(-2, -1)).to(value.dtype) @ value
        among = _softmax(few_queries @ few_keys.transpose(-2, -1))
        middle = (inverted(among) @ read.to(among.dtype)).to(value.dtype)
        by_key = _softmax(query @ few_keys.to(query.dtype).transpose(-2, -1))
        return self.output(by_key.to(value.dtype) @ middle)

    def _landmarks(
        self, x: Float[Tensor, "batch heads tokens head_dim"]
    ) -> Float[Tensor, "batch heads landmarks head_dim"]:
        """Means of segments, in float32 at least."""
        count = min(self.num_landmarks, x.shape[2])
        lines = x.to(statistics_dtype(x)).transpose(2, 3).flatten(1, 2)
        return F.adaptive_avg_pool1d(lines, count).unflatten(1, (x.shape[1], -1)).transpose(2, 3)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 4 n m C + 2 m² C + 24 m³ h."""
        n, C = self.num_tokens(grid), self.dim
        m = min(self.num_landmarks, n)
        inverse = 4 * STEPS * m**3 * self.num_heads
        return batch * (4 * n * C**2 + 4 * n * m * C + 2 * m**2 * C + inverse)


def inverted(matrix: Float[Tensor, "*batch m m"]) -> Float[Tensor, "*batch m m"]:
    """The pseudo-inverse of a matrix of positive elements, by the iteration above."""
    size = matrix.abs()
    start = size.sum(-2).amax(-1) * size.sum(-1).amax(-1)
    inverse = matrix.transpose(-2, -1) / start[..., None, None]
    one = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    for _ in range(STEPS):
        product = matrix @ inverse
        inner = 15 * one - product @ (7 * one - product)
        inverse = inverse @ (13 * one - product @ inner) / 4
    return inverse


def _softmax(scores: Tensor) -> Tensor:
    return scores.softmax(-1, dtype=statistics_dtype(scores))
