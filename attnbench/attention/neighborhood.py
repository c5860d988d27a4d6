"""Neighbourhood attention: every token attends to the k × k tokens around it.

Hassani et al. 2023, NAT (https://arxiv.org/abs/2204.07143), eq. 1-3. Per head, N(i) being the k × k
window on the map whose centre is nearest to token i:

    H_i = Σ_{j in N(i)} softmax_j(q_i · k_j / √d) v_j

At a border the window stays on the map, so each token has k² keys. Along a side shorter than k the
window is that side. k is odd, as there. NAT also adds a bias by relative position to the scores;
here there is none.

Implementations: `reference` gathers the keys and values of each token (n k² rows of them); `sdpa`
masks the other tokens in torch's fused attention over all of them, which forms no such rows but
multiplies all n² pairs, and counts them. `flex` skips blocks of 128 × 128 pairs without neighbours;
its count is that of all pairs, an upper bound.

MACs for n tokens of width C: 4 n C² + 2 n k² C; `sdpa` and `flex` 4 n C² + 2 n² C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import PLAIN_IMPLS, softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.errors import UserError
from attnbench.kernels.availability import check_impl
from attnbench.kernels.softmax.neighbours import neighbour_blocks
from attnbench.spec import Grid


class NeighborhoodAttention(ProjectedAttention):
    """Softmax attention to the nearest k × k tokens."""

    impls: ClassVar[tuple[str, ...]] = (*PLAIN_IMPLS, "flex")
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "neighbours are those on a grid"
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, *, kernel_size: int = 7, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise UserError(f"kernel_size must be at least 1 and odd, got {kernel_size}")
        self.kernel_size = kernel_size

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend to the neighbours of each token."""
        query, key, value = self.heads(self.qkv(x))
        if self.impl == "reference":
            return self.output(self._gathered(query, key, value, grid))
        if self.impl == "flex":
            return self.output(self._in_blocks(query, key, value, grid))
        mask = far(grid, self.kernel_size, x.device)
        bias = torch.zeros(mask.shape, dtype=query.dtype, device=x.device)
        bias = bias.masked_fill(mask, float("-inf"))
        return self.output(
            softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)
        )

    def _gathered(
        self,
        query: Float[Tensor, "batch heads tokens head_dim"],
        key: Float[Tensor, "batch heads tokens head_dim"],
        value: Float[Tensor, "batch heads tokens head_dim"],
        grid: Grid,
    ) -> Float[Tensor, "batch heads tokens head_dim"]:
        """Each token is a batch of its own, with one query and its neighbours."""
        places = neighbours(grid, self.kernel_size, query.device)
        one = query.unsqueeze(3)  # (batch, heads, tokens, 1, head_dim)
        mixed = softmax_attention(
            one, key[:, :, places], value[:, :, places], scale=self.scale, impl="reference"
        )
        return mixed.squeeze(3)

    def _in_blocks(
        self,
        query: Float[Tensor, "batch heads tokens head_dim"],
        key: Float[Tensor, "batch heads tokens head_dim"],
        value: Float[Tensor, "batch heads tokens head_dim"],
        grid: Grid,
    ) -> Float[Tensor, "batch heads tokens head_dim"]:
        check_impl(self.impl, query, self.head_dim)  # before all pairs are looked at
        blocks = None if query.is_meta else near_blocks(grid, self.kernel_size, query.device)
        return softmax_attention(query, key, value, scale=self.scale, impl=self.impl, blocks=blocks)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n k² C; `sdpa` and `flex` 4 n C² + 2 n² C."""
        n, C = self.num_tokens(grid), self.dim
        keys = n
        if self.impl == "reference":
            keys = min(self.kernel_size, grid[0]) * min(self.kernel_size, grid[1])
        return batch * n * C * (4 * C + 2 * keys)


@tensor_cache
def neighbours(grid: Grid, kernel_size: int, device: torch.device) -> Int[Tensor, "tokens keys"]:
    """Indices of the tokens that each token attends to, in reading order."""
    rows, columns = (_window(side, kernel_size, device) for side in grid)
    places = rows[:, None, :, None] * grid[1] + columns[None, :, None, :]
    return places.flatten(2).flatten(0, 1)


@tensor_cache
def far(grid: Grid, kernel_size: int, device: torch.device) -> Bool[Tensor, "tokens tokens"]:
    """True where the second token is no neighbour of the first."""
    places = neighbours(grid, kernel_size, device)
    everywhere = torch.ones(2 * (grid[0] * grid[1],), dtype=torch.bool, device=device)
    return everywhere.scatter(1, places, torch.zeros_like(places, dtype=torch.bool))


near_blocks = tensor_cache(neighbour_blocks)
"""Which pairs of tokens FlexAttention forms."""


def _window(side: int, kernel_size: int, device: torch.device) -> Int[Tensor, "side keys"]:
    """For each place of a line, the places of its window."""
    keys = min(kernel_size, side)
    place = torch.arange(side, device=device)
    first = (place - kernel_size // 2).clamp(0, side - keys)
    return first[:, None] + torch.arange(keys, device=device)
