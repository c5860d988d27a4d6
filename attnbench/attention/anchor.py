"""Anchor attention with differentiable anchors: a Markov step token → anchor → token.

AnchorFormer (https://arxiv.org/abs/2505.16463), section 3.3. Symbols as there, per head: K and V
are n × d, the anchors U are m × d and learned; there is no query projection.

    A = softmax over the m anchors of K Uᵀ / √d     eq. 4, 13    n × m, rows sum to 1
    Δ = diag(Aᵀ 1)                                  eq. 6        how much each anchor received
    S = A Δ⁻¹ Aᵀ                                    eq. 7-9      n × n, never formed
    H = A (Δ⁻¹ (Aᵀ V))                              eq. 11-12    right to left

S is symmetric, doubly stochastic, positive semi-definite and of rank at most m. Eq. 13 prints the
normaliser as a sum over tokens; only a sum over anchors agrees with eq. 4, 6 and 10.

MACs for n tokens of width C: 2 n C² (K, V) + 3 n m C + n C² (output): O(n m). `folded` has fewer.

Implementations: `reference`, the equations as they stand; `chunked` and `triton`, one operator
that never stores A (`kernels/anchor/operator.py`); `folded`, the layer without keys and values
(`kernels/anchor/folded.py`).

Like the authors' code: anchors shared by the heads of a layer (`per_head=False`; the paper's text
suggests one set per head), no bias on K and V, output projection with bias. Departures: the
softmax and the degrees are kept in float32 at least; an anchor that received almost no mass is left
out instead of giving infinity; and the initial scale below.

Initial scale. The logits' standard deviation at the start is std(U) · std(k), whatever d is. On
normalised tokens (width 192, 6 heads, 30 anchors), mean entropy of A's rows as a share of log m:

    K and U as torch initialises linear layers            0.9995
    K and U with standard deviation 0.02                  1.0000
    K with std(k) = 1, U with standard deviation 1        0.86
    K with std(k) = 1, U with standard deviation 2        0.62      chosen (ANCHOR_STD)
    K with std(k) = 1, U with standard deviation 3        0.44

In the first two rows A is uniform to three digits: every token starts with the global mean of V,
and the layer does not tell tokens apart. The chosen scale lets tokens choose among anchors without
saturating the softmax. Whether it also trains better is not shown: in one trial of one epoch on
CIFAR-10, one seed, a scale of 0.05 did no worse. `tests/attention/test_anchor.py` holds the chosen
row and the first two within bounds.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import (
    Attention,
    linear,
    merge_heads,
    split_heads,
    statistics_dtype,
)
from attnbench.errors import UserError
from attnbench.kernels.anchor.chunked import LEAST_DEGREE
from attnbench.kernels.anchor.folded import anchor_layer
from attnbench.kernels.anchor.operator import anchor_attention
from attnbench.kernels.availability import check_impl
from attnbench.spec import Grid

ANCHOR_STD = 2.0
"""Initial standard deviation of the anchors, hence of the logits."""


def bipartite_attention(
    key: Float[Tensor, "batch heads tokens head_dim"],
    anchors: Float[Tensor, "*batch_heads anchors head_dim"],
    scale: float,
    bias: Float[Tensor, "... tokens anchors"] | None = None,
) -> Float[Tensor, "batch heads tokens anchors"]:
    """A: each token's distribution over the anchors, in float32 at least (eq. 4).

    `bias` is added to the logits.
    """
    logits = (key * scale) @ anchors.transpose(-2, -1)
    if bias is not None:
        logits = logits + bias
    return logits.softmax(-1, dtype=statistics_dtype(logits))


def anchor_means(
    assignment: Float[Tensor, "batch heads tokens anchors"],
    value: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch heads anchors head_dim"]:
    """Δ⁻¹ Aᵀ V: for each anchor the mean of the values, weighted by the mass each token sent."""
    degree = assignment.sum(-2)  # (batch, heads, anchors)
    inverse = torch.where(degree > LEAST_DEGREE, 1 / degree.clamp_min(LEAST_DEGREE), 0.0)
    collected = assignment.to(value.dtype).transpose(-2, -1) @ value
    return (collected * inverse[..., None]).to(value.dtype)


def markov_step(
    assignment: Float[Tensor, "batch heads tokens anchors"],
    value: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """H = A (Δ⁻¹ (Aᵀ V)), right to left (eq. 11-12)."""
    return assignment.to(value.dtype) @ anchor_means(assignment, value)


class AnchorAttention(Attention):
    """Differentiable anchors (section 3.3)."""

    impls: ClassVar[tuple[str, ...]] = ("reference", "folded", "chunked", "triton")

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        num_anchors: int = 30,
        per_head: bool = False,
        qkv_bias: bool = False,
        proj_drop: float = 0.0,
        impl: str = "reference",
        num_prefix_tokens: int = 0,
    ) -> None:
        super().__init__(dim, num_heads, impl=impl, num_prefix_tokens=num_prefix_tokens)
        if num_anchors < 1:
            raise UserError(f"num_anchors must be at least 1, got {num_anchors}")
        self.num_anchors = num_anchors
        self.kv = linear(dim, 2 * dim, bias=qkv_bias)
        nn.init.normal_(self.kv.weight[:dim].data, std=dim**-0.5)
        sets = num_heads if per_head else 1
        self.anchors = nn.Parameter(torch.empty(sets, num_anchors, self.head_dim))
        nn.init.normal_(self.anchors, std=ANCHOR_STD)
        self.proj = linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """One Markov step over the anchors."""
        check_impl(self.impl, x, self.head_dim, num_anchors=self.num_anchors)
        mixed = self._folded(x) if self.impl == "folded" else self.proj(self._step(x))
        return self.proj_drop(mixed)

    def _step(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        """The Markov step, before the output projection."""
        key, value = (split_heads(t, self.num_heads) for t in self.kv(x).chunk(2, dim=-1))
        if self.impl != "reference":
            return merge_heads(anchor_attention(key, value, self.anchors, self.scale))
        assignment = bipartite_attention(key, self.anchors, self.scale)
        return merge_heads(markov_step(assignment, value))

    def _folded(self, x: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch tokens dim"]:
        """The layer before dropout; keys and values are never formed."""
        return anchor_layer(
            x, self.kv.weight, self.kv.bias, self.anchors, self.proj.weight, self.proj.bias,
            num_heads=self.num_heads, scale=self.scale,
        )  # fmt: skip

    def assignment(
        self, x: Float[Tensor, "batch tokens dim"]
    ) -> Float[Tensor, "batch heads tokens anchors"]:
        """A for these tokens: their distribution over the anchors."""
        key = split_heads(self.kv(x)[..., : self.dim], self.num_heads)
        return bipartite_attention(key, self.anchors, self.scale)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """3 n C² + 3 n m C; folded m C² once, and 2 m C² + 3 n m C · heads an image."""
        n, dim, m = self.num_tokens(grid), self.dim, self.num_anchors
        if self.impl == "folded":
            return m * dim**2 + batch * (2 * m * dim**2 + 3 * n * dim * m * self.num_heads)
        return batch * (3 * n * dim**2 + 3 * n * m * dim)
