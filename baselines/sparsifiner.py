"""Sparsifiner: a cheap guess of the attention says which quarter of the pairs is computed.

Wei et al. 2023 (https://arxiv.org/abs/2303.13755). Per head, with layers that all heads share:

    Q̃, K̃ = Q, K projected to d/2;  K̃_P = P K̃ (r learned rows over the tokens, r = n / 6)
    T = softmax(Q̃ K̃_Pᵀ h^-½), its 8 largest of a row kept        n × r (h: number of heads)
    Â = T B,  B a learned r × n basis without what is below 0.02 in it
    M = the ⌈n / 4⌉ largest of each row of Â; rows of class tokens are whole
    H = softmax(Q Kᵀ / √d where M) V

M has no gradient. What makes it learns from a loss of its own, the squared distance of Â to the
attention without a mask, which training collects (`Attention.auxiliary_losses`). The authors train
it so for five epochs, then distil the whole model from the dense one. There is no such schedule
here.

As in the authors' code all products are dense, so this masks and saves nothing: a kernel for such a
mask would do a quarter of the last two products. The work does not depend on the image, M does. P
and B are learned for a map of `table_side` × `table_side`; others resize them (see `linformer`).
The guess is in float32 at least.

MACs for n tokens of width C in h heads of width d: 4 n C² + 2 n² C + n C d + n r C + n² r h.
"""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from attnbench.attention.base import linear, statistics_dtype
from attnbench.attention.linformer import SIDES
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.resized import resized
from attnbench.attention.softmax import softmax_attention
from attnbench.errors import UserError
from attnbench.spec import Grid

TOKENS_A_ROW = 6
KEPT_ROWS = 8
LEAST_IN_BASIS = 0.02


class SparsifinerAttention(ProjectedAttention):
    """Softmax attention over predicted pairs."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        keep: float = 0.25,
        table_side: int = SIDES[2],
        **options: Any,
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            keep: share of the tokens that each token attends to.
            table_side: side of the map that P and B are for.
            options: see `ProjectedAttention`.

        Raises:
            UserError: a value is out of range, or heads have a single channel.
        """
        super().__init__(dim, num_heads, **options)
        if not 0 < keep <= 1:
            raise UserError(f"keep must be above 0 and at most 1, got {keep}")
        if table_side < 1:
            raise UserError(f"table_side must be at least 1, got {table_side}")
        if self.head_dim < 2:
            raise UserError(f"heads must have at least 2 channels, got {self.head_dim}")
        self.keep = keep
        self.table_side = table_side
        tokens = self.num_prefix_tokens + table_side**2
        self.rows = max(1, tokens // TOKENS_A_ROW)
        self.down_q = linear(self.head_dim, self.head_dim // 2)
        self.down_k = linear(self.head_dim, self.head_dim // 2)
        self.compress = linear(tokens, self.rows)
        self.basis = nn.Parameter(torch.randn(self.rows, tokens) * tokens**-0.5)

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """The side of the map at 224 px."""
        return {"table_side": SIDES[stage]}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Guess which pairs matter, and attend to them."""
        query, key, value = self.heads(self.qkv(x))
        learns = self.auxiliary_losses is not None and torch.is_grad_enabled()
        with torch.set_grad_enabled(learns):
            guess = self._guess(query.detach(), key.detach(), grid)
        if self.auxiliary_losses is not None:
            self.auxiliary_losses.append(self._distance(guess, query.detach(), key.detach()))
        bias = torch.zeros_like(guess, dtype=query.dtype, requires_grad=False)
        bias = bias.masked_fill(~self._kept(guess.detach()), float("-inf"))
        mixed = softmax_attention(query, key, value, scale=self.scale, impl="reference", bias=bias)
        return self.output(mixed)

    def _guess(self, query: Tensor, key: Tensor, grid: Grid) -> Float[Tensor, "batch heads n n"]:
        """Â."""
        exact = statistics_dtype(query)
        small_q, small_k = (
            torch.nn.functional.linear(t.to(exact), of.weight.to(exact), of.bias.to(exact))
            for t, of in ((query, self.down_q), (key, self.down_k))
        )
        few = self._over(self.compress.weight, grid).to(exact) @ small_k
        few = few + self.compress.bias.to(exact)[:, None]  # (batch, heads, rows, d/2)
        scores = small_q @ few.transpose(-2, -1) * self.num_heads**-0.5
        largest, places = scores.softmax(-1).topk(min(KEPT_ROWS, self.rows), dim=-1)
        share = torch.zeros_like(scores).scatter(-1, places, largest)
        basis = self.basis.masked_fill(self.basis.abs() < LEAST_IN_BASIS, 0.0)
        return share @ self._over(basis, grid).to(exact)

    def _over(self, table: Tensor, grid: Grid) -> Float[Tensor, "rows tokens"]:
        """A table over the tokens of this grid."""
        learned = (self.table_side, self.table_side)
        if grid == learned:
            return table
        share = table.shape[1] / self.num_tokens(grid)
        return resized(table, learned, grid, self.num_prefix_tokens) * share

    def _kept(self, guess: Float[Tensor, "batch heads n n"]) -> Bool[Tensor, "batch heads n n"]:
        """The pairs that are computed."""
        places = guess.topk(ceil(self.keep * guess.shape[-1]), dim=-1).indices
        nothing = torch.zeros_like(guess, dtype=torch.bool)
        kept = nothing.scatter(-1, places, torch.ones_like(places, dtype=torch.bool))
        row = torch.arange(guess.shape[-2], device=guess.device)
        return kept | (row < self.num_prefix_tokens)[:, None]

    def _distance(self, guess: Tensor, query: Tensor, key: Tensor) -> Tensor:
        """Mean squared distance of the guess to the attention without a mask."""
        exact = guess.dtype
        scores = (query.to(exact) * self.scale) @ key.to(exact).transpose(-2, -1)
        return torch.nn.functional.mse_loss(guess, scores.softmax(-1))

    def choosing_macs(self, grid: Grid, batch: int = 1) -> int:
        """Of the guess, n C d + n r C + n² r h: without a gradient unless losses are collected."""
        n, half = self.num_tokens(grid), self.head_dim // 2
        products = 2 * n * self.head_dim * half + 2 * n * self.rows * half + n**2 * self.rows
        return batch * self.num_heads * products

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n² C, and the guess."""
        n, C = self.num_tokens(grid), self.dim
        return batch * (4 * n * C**2 + 2 * n**2 * C) + self.choosing_macs(grid, batch)
