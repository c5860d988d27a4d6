"""AutoFormer's attention: dense, with learned relative positions in its keys and its values.

Chen et al. 2021, AutoFormer (https://arxiv.org/abs/2107.00651), after Shaw et al. 2018. Between
query i and key j stand two learned vectors of a head's width, shared by all heads,

    r_ij = T_row[row_j - row_i] + T_column[column_j - column_i]      (two tables for K, two for V)
    a_ij = softmax_j (q_i · (k_j + r^K_ij) / √d),        out_i = Σ_j a_ij (v_j + r^V_ij)

Each of the four tables has 30 vectors: offsets are cut at ±14, and the first vector is for pairs
with a prefix token. So it works on any grid, where the authors' code has square ones only. Heads
may be wider or narrower than C / h: the searched models keep them at 64 channels.

- `reference` forms the r_ij, as the authors' code does.
- `decomposed` forms none: q_i · r_ij is a sum of two products, each with the h (or w) vectors of
  one axis, and so is Σ_j a_ij r_ij. Memory is that of dense attention.

MACs for n tokens of width C, P of them prefix tokens, the others on a grid of h × w, with heads of
together D channels: 4 n C D + 2 n² D, and for the relative positions 2 n² D (reference) or
2 (n - P) (h + w) D, and n D where P > 0 (decomposed).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnbench.attention.base import Attention, linear, merge_heads, split_heads, statistics_dtype
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.errors import UserError
from attnbench.spec import Grid

LONGEST = 14
"""Offsets beyond this many rows or columns are cut to it."""
OFFSETS = 2 * LONGEST + 2
"""Vectors of a table: the first for prefix tokens, then those from -14 to 14."""


class RelativeVectors(nn.Module):
    """The vectors between two tokens, by the rows and columns between them."""

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(nn.init.trunc_normal_(torch.empty(OFFSETS, head_dim), std=0.02))
        self.columns = nn.Parameter(nn.init.trunc_normal_(torch.empty(OFFSETS, head_dim), std=0.02))

    def of_pairs(self, grid: Grid, num_prefix_tokens: int) -> Float[Tensor, "tokens tokens d"]:
        """r_ij for each query i and key j."""
        rows, columns = places(grid, num_prefix_tokens, self.rows.device)
        return self.rows[rows] + self.columns[columns]

    def of_axes(self, grid: Grid) -> tuple[Float[Tensor, "h h d"], Float[Tensor, "w w d"]]:
        """The two summands of r_ij, for tokens of the grid."""
        rows, columns = (offsets(side, self.rows.device) for side in grid)
        return self.rows[rows], self.columns[columns]

    @property
    def of_prefix(self) -> Float[Tensor, " d"]:
        """r_ij where i or j is a prefix token."""
        return self.rows[0] + self.columns[0]


class AutoFormerAttention(Attention):
    """Dense attention with relative positions; heads may have any width."""

    impls: ClassVar[tuple[str, ...]] = ("reference", "decomposed")

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        head_dim: int | None = None,
        qkv_bias: bool = True,
        proj_drop: float = 0.0,
        **options: Any,
    ) -> None:
        """Make the projections and the tables.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`, if `head_dim` is None.
            head_dim: channels of a head; None for `dim` / `num_heads`.
            qkv_bias: whether the projection to queries, keys and values has a bias.
            proj_drop: dropout after the output projection.
            options: see `Attention`.

        Raises:
            UserError: `head_dim` is less than 1.
        """
        if head_dim is not None and head_dim < 1:
            raise UserError(f"head_dim must be at least 1, got {head_dim}")
        super().__init__(dim if head_dim is None else num_heads * head_dim, num_heads, **options)
        self.dim = dim
        self.inner_dim = num_heads * self.head_dim
        self.qkv = linear(dim, 3 * self.inner_dim, bias=qkv_bias)
        self.between_keys = RelativeVectors(self.head_dim)
        self.between_values = RelativeVectors(self.head_dim)
        self.proj = linear(self.inner_dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend over all tokens and what lies between them."""
        query, key, value = (split_heads(t, self.num_heads) for t in self.qkv(x).chunk(3, dim=-1))
        query = query * self.scale
        scores = query @ key.transpose(-2, -1) + self._positions_of_keys(query, grid)
        weights = scores.softmax(-1, dtype=statistics_dtype(scores)).to(value.dtype)
        mixed = weights @ value + self._positions_of_values(weights, grid)
        return self.proj_drop(self.proj(merge_heads(mixed)))

    def _positions_of_keys(
        self, query: Float[Tensor, "batch heads tokens d"], grid: Grid
    ) -> Float[Tensor, "batch heads tokens tokens"]:
        """q_i · r_ij."""
        between, prefix = self.between_keys, self.num_prefix_tokens
        if self.impl == "reference":
            vectors = between.of_pairs(grid, prefix).transpose(1, 2)
            return by_line(query[:, :, :, None], vectors)[:, :, :, 0]
        rows, columns = (vectors.transpose(1, 2) for vectors in between.of_axes(grid))
        of_grid = query[:, :, prefix:].unflatten(2, grid)
        by_row = by_line(of_grid, rows)  # (batch, heads, h, w, h)
        by_column = by_line(of_grid.transpose(2, 3), columns).transpose(2, 3)
        scores = (by_row[..., :, None] + by_column[..., None, :]).flatten(4).flatten(2, 3)
        if not prefix:
            return scores
        constant = (query @ between.of_prefix)[..., None]  # (batch, heads, tokens, 1)
        beside = constant[:, :, prefix:].expand(-1, -1, -1, prefix)
        above = constant[:, :, :prefix].expand(-1, -1, -1, query.shape[2])
        return torch.cat([above, torch.cat([beside, scores], dim=3)], dim=2)

    def _positions_of_values(
        self, weights: Float[Tensor, "batch heads tokens tokens"], grid: Grid
    ) -> Float[Tensor, "batch heads tokens d"]:
        """Σ_j a_ij r_ij."""
        between, prefix = self.between_values, self.num_prefix_tokens
        if self.impl == "reference":
            return by_line(weights[:, :, :, None], between.of_pairs(grid, prefix))[:, :, :, 0]
        rows, columns = between.of_axes(grid)
        of_grid = weights[:, :, prefix:, prefix:].unflatten(3, grid).unflatten(2, grid)
        mixed = by_line(of_grid.sum(5), rows)
        mixed = mixed + by_line(of_grid.sum(4).transpose(2, 3), columns).transpose(2, 3)
        mixed = mixed.flatten(2, 3)
        if not prefix:
            return mixed
        on_prefix = weights[..., :prefix].sum(3, keepdim=True)  # a prefix token has it on all keys
        share = torch.cat([torch.ones_like(on_prefix[:, :, :prefix]), on_prefix[:, :, prefix:]], 2)
        return nn.functional.pad(mixed, (0, 0, prefix, 0)) + share * between.of_prefix

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """See the head of this file."""
        n = self.num_tokens(grid)
        positions = 2 * n * n
        if self.impl == "decomposed":
            positions = 2 * grid[0] * grid[1] * sum(grid) + (n if self.num_prefix_tokens else 0)
        return batch * self.inner_dim * (4 * n * self.dim + 2 * n * n + positions)


def by_line(
    x: Float[Tensor, "batch heads lines others k"], vectors: Float[Tensor, "lines k m"]
) -> Float[Tensor, "batch heads lines others m"]:
    """Multiply what stands on each line with the matrix of that line."""
    lines = x.movedim(2, 0)
    product = lines.flatten(1, 3) @ vectors
    return product.unflatten(1, lines.shape[1:4]).movedim(0, 2)


@tensor_cache
def offsets(side: int, device: torch.device) -> Int[Tensor, "side side"]:
    """Index of the vector between each place of a line (first axis) and each other."""
    place = torch.arange(side, device=device)
    return (place[None, :] - place[:, None]).clamp(-LONGEST, LONGEST) + LONGEST + 1


@tensor_cache
def places(
    grid: Grid, num_prefix_tokens: int, device: torch.device
) -> tuple[Int[Tensor, "tokens tokens"], Int[Tensor, "tokens tokens"]]:
    """Indices of the row and of the column vector between each query and each key."""
    height, width = grid
    rows = offsets(height, device).repeat_interleave(width, 0).repeat_interleave(width, 1)
    columns = offsets(width, device).repeat(height, height)
    pad = (num_prefix_tokens, 0, num_prefix_tokens, 0)
    return nn.functional.pad(rows, pad), nn.functional.pad(columns, pad)
