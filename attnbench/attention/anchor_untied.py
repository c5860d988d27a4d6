"""Anchor attention that reads and writes by two maps: what the symmetry of S costs or gives.

No published mechanism, but the control for `anchor` (see `anchor.py` for the symbols). A second
set of anchors U' writes:

    A = softmax(K Uᵀ / √d),  A' = softmax(K U'ᵀ / √d)
    S = A' Δ⁻¹ Aᵀ,  H = A' (Δ⁻¹ (Aᵀ V))

S is still row-stochastic and of rank at most m, but neither symmetric nor doubly stochastic: what
token i gives to j is not what j gives to i. With U' = U it is `anchor`, which is a test.

MACs for n tokens of width C: 3 n C² + 4 n m C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.anchor import (
    ANCHOR_STD,
    AnchorAttention,
    anchor_means,
    bipartite_attention,
)
from attnbench.attention.base import merge_heads, split_heads
from attnbench.spec import Grid


class UntiedAnchorAttention(AnchorAttention):
    """Differentiable anchors with a second set of anchors to write by."""

    impls: ClassVar[tuple[str, ...]] = ("reference",)

    def __init__(self, dim: int, num_heads: int, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        self.writing_anchors = nn.Parameter(torch.empty_like(self.anchors))
        nn.init.normal_(self.writing_anchors, std=ANCHOR_STD)

    def _step(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        """The step by two maps, before the output projection."""
        key, value = (split_heads(t, self.num_heads) for t in self.kv(x).chunk(2, dim=-1))
        means = anchor_means(bipartite_attention(key, self.anchors, self.scale), value)
        writing = bipartite_attention(key, self.writing_anchors, self.scale)
        return merge_heads(writing.to(value.dtype) @ means)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """3 n C² + 4 n m C."""
        n, C, m = self.num_tokens(grid), self.dim, self.num_anchors
        return batch * n * C * (3 * C + 4 * m)
