"""Combiner: a token attends to its own row directly, and to each other row through a summary.

Ren et al. 2021 (https://arxiv.org/abs/2107.05768), section 3, the "fixed" form for both directions,
with the rows of the map as spans. Per head, with q scaled by d^-½, and maxima over the tokens of a
row s taken for each channel:

    q_s = max q_j,  k_s = max k_j,  v_s = softmax(q_s K_sᵀ) V_s             one summary for each row
    H_i = Σ_{j in the row of i} a_ij v_j + Σ_{s ≠ the row of i} a_is v_s    one softmax over both

Projections have no bias. The authors' code for both directions counts a token's own row twice,
as tokens and as a summary; here the equation holds.

The paper has no rule for class tokens. Here they attend to all tokens, and every token attends to
them beside its row.

MACs for n = h w tokens of width C and p class tokens: 4 (n + p) C² + 2 n C (summaries)
+ 2 n (w + p + h) C + 2 p (n + p) C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from attnbench.attention.base import linear, statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.spec import Grid


class CombinerAttention(ProjectedAttention):
    """Softmax attention to the tokens of a row and to summaries of the others."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, *, qkv_bias: bool = False, **options: Any) -> None:
        super().__init__(dim, num_heads, qkv_bias=qkv_bias, **options)
        self.proj = linear(dim, dim, bias=False)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend by rows; class tokens attend to all."""
        query, key, value = self.heads(self.qkv(x))
        query = query * self.scale
        mixed = self._by_rows(query, key, value, grid)
        if self.num_prefix_tokens:
            first = query[:, :, : self.num_prefix_tokens]
            dense = softmax_attention(first, key, value, scale=1.0, impl="reference")
            mixed = torch.cat([dense, mixed], dim=2)
        return self.output(mixed)

    def _by_rows(
        self,
        query: Float[Tensor, "batch heads tokens head_dim"],
        key: Float[Tensor, "batch heads tokens head_dim"],
        value: Float[Tensor, "batch heads tokens head_dim"],
        grid: Grid,
    ) -> Float[Tensor, "batch heads places head_dim"]:
        """The tokens of the map."""
        p = self.num_prefix_tokens
        rows, keys, values = (t[:, :, p:].unflatten(2, grid) for t in (query, key, value))
        span_keys = keys.amax(3)  # (batch, heads, height, head_dim)
        span_values = _summaries(rows.amax(3), keys, values)
        keys, values = (_beside(t[:, :, :p], of) for t, of in ((key, keys), (value, values)))
        direct = rows @ keys.transpose(-2, -1)  # (batch, heads, height, width, width + p)
        spans = rows.flatten(2, 3) @ span_keys.transpose(-2, -1)
        spans = spans.masked_fill(own_row(grid, query.device), float("-inf")).unflatten(2, grid)
        both = torch.cat([direct, spans], dim=-1)
        weights = both.softmax(-1, dtype=statistics_dtype(both)).to(value.dtype)
        to_tokens, to_spans = weights.split([grid[1] + p, grid[0]], dim=-1)
        mixed = (to_tokens @ values).flatten(2, 3)
        return mixed + to_spans.flatten(2, 3) @ span_values

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 (n + p) C² + 2 n C + 2 n (w + p + h) C + 2 p (n + p) C."""
        total, p, C = self.num_tokens(grid), self.num_prefix_tokens, self.dim
        n = total - p
        mixing = n * (1 + grid[0] + grid[1] + p) + p * total
        return batch * (4 * total * C**2 + 2 * mixing * C)


def _summaries(
    query: Float[Tensor, "batch heads height head_dim"],
    keys: Float[Tensor, "batch heads height width head_dim"],
    values: Float[Tensor, "batch heads height width head_dim"],
) -> Float[Tensor, "batch heads height head_dim"]:
    """The value of each row, as its largest query sees it."""
    one = query.unsqueeze(3)
    return softmax_attention(one, keys, values, scale=1.0, impl="reference").squeeze(3)


def _beside(
    prefix: Float[Tensor, "batch heads prefix head_dim"],
    rows: Float[Tensor, "batch heads height width head_dim"],
) -> Float[Tensor, "batch heads height more head_dim"]:
    """Each row with the class tokens behind it."""
    repeated = prefix.unsqueeze(2).expand(-1, -1, rows.shape[2], -1, -1)
    return torch.cat([rows, repeated], dim=3)


@tensor_cache
def own_row(grid: Grid, device: torch.device) -> Bool[Tensor, "places height"]:
    """True where a row is that of the token."""
    row = torch.arange(grid[0], device=device)
    return row.repeat_interleave(grid[1])[:, None] == row[None, :]
