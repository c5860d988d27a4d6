"""Linformer: keys and values are projected along the tokens, to a fixed number of rows.

Wang et al. 2020 (https://arxiv.org/abs/2006.04768), eq. 7. With learned E and F (k × n), shared by
the heads of a layer:

    H = softmax(Q (E K)ᵀ / √d) (F V)        k rows in place of n

E and F have a weight for each place of the map: they are learned for a grid of `table_side` ×
`table_side` tokens. Another grid resizes them (bilinear) and scales them by n' / n, so that a sum
over a finer map stays as large. Class tokens have weights of their own. E and F start with
standard deviation n^-½, so that E K is as large as K.

MACs for n tokens of width C: 4 n C² + 4 n k C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.resized import resized
from attnbench.attention.softmax import PLAIN_IMPLS, softmax_attention
from attnbench.errors import UserError
from attnbench.spec import Grid

SIDES = (56, 28, 14, 7)
"""Side of the map at 224 px, by stage of a trunk."""


class LinformerAttention(ProjectedAttention):
    """Softmax attention to learned sums of the tokens."""

    impls: ClassVar[tuple[str, ...]] = PLAIN_IMPLS
    at_most_tokens: ClassVar[tuple[str, ...]] = ("rank",)
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        rank: int = 32,
        table_side: int = SIDES[2],
        **options: Any,
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            rank: k, rows that keys and values are projected to.
            table_side: side of the grid that E and F are for.
            options: see `ProjectedAttention`.
        """
        super().__init__(dim, num_heads, **options)
        for name, given in (("rank", rank), ("table_side", table_side)):
            if given < 1:
                raise UserError(f"{name} must be at least 1, got {given}")
        self.rank = rank
        self.table_side = table_side
        tokens = self.num_prefix_tokens + table_side**2
        self.key_rows = nn.Parameter(torch.randn(rank, tokens) * tokens**-0.5)
        self.value_rows = nn.Parameter(torch.randn(rank, tokens) * tokens**-0.5)

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """The side of the map at 224 px."""
        return {"table_side": SIDES[stage]}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend from all tokens to the projected rows."""
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        key = self._rows(self.key_rows, grid) @ key  # (batch, rank, dim)
        value = self._rows(self.value_rows, grid) @ value
        (query,), (key,), (value,) = (self.heads(t) for t in (query, key, value))
        return self.output(softmax_attention(query, key, value, scale=self.scale, impl=self.impl))

    def _rows(self, table: Tensor, grid: Grid) -> Float[Tensor, "rank tokens"]:
        """The weights of the tokens of this grid."""
        learned = (self.table_side, self.table_side)
        if grid == learned:
            return table
        share = table.shape[1] / self.num_tokens(grid)
        return resized(table, learned, grid, self.num_prefix_tokens) * share

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 4 n k C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + 4 * self.rank)
