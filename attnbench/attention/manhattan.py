"""Manhattan attention: softmax attention whose scores fall with the distance on the grid.

Fan et al. 2024, RMT (https://arxiv.org/abs/2309.11523), after the retention of language models:
head i of h adds (|Δrow| + |Δcolumn|) log γ_i to its scores, with γ_i = 1 - 2^(-2 - ρ i / h) and
the range ρ (`decay_range`). Queries and keys are rotated by the place of their token in reading
order (rotary embedding; frequencies 10000^(-t), t from 0 to 1 over the pairs of channels), and a
depthwise 5 × 5 convolution of V is added to the result.

- `manhattan`: softmax(Q Kᵀ / √d + D) V over all tokens, D being the distances above.
- `manhattan-axial`, which RMT calls decomposed: along each row, softmax(Q Kᵀ / √d + Dˣ) turns V
  into V'; then along each column softmax(Q Kᵀ / √d + Dʸ) V'.

Both work on any grid. Queries, keys and values come from one projection `qkv`, where RMT's code has
three layers of the same size.

MACs for n = h w tokens of width C: 4 n C² + 25 n C, and in the middle 2 n² C (full) or
2 n (w + h) C (decomposed).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import merge_heads, statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import BIASED_IMPLS, softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.errors import UserError
from attnbench.spec import Grid

LOCAL_KERNEL = 5
"""Side of the depthwise convolution of V."""


class ManhattanAttention(ProjectedAttention):
    """Softmax attention over all tokens, with a penalty on their Manhattan distance."""

    impls: ClassVar[tuple[str, ...]] = BIASED_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "distances are between places of the grid"
    qkv: nn.Linear

    def __init__(
        self, dim: int, num_heads: int, *, decay_range: float = 4.0, **options: Any
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim` into heads of an even width.
            decay_range: ρ; the larger, the further the last heads see.
            options: see `ProjectedAttention`.

        Raises:
            UserError: heads have an odd width, or `decay_range` is negative.
        """
        super().__init__(dim, num_heads, **options)
        if self.head_dim % 2:
            raise UserError(
                f"heads must have an even width, since channels are rotated in pairs: {dim} "
                f"channels in {num_heads} heads give {self.head_dim}"
            )
        if decay_range < 0:
            raise UserError(f"decay_range must be at least 0, got {decay_range}")
        self.decay_range = decay_range
        self.local = nn.Conv2d(dim, dim, LOCAL_KERNEL, padding=LOCAL_KERNEL // 2, groups=dim)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend, and add what each token's neighbours have as values."""
        query, key, value = self.heads(self.qkv(x))
        mixed = self._attend(rotated(query), rotated(key), value, grid)
        image = merge_heads(value).transpose(1, 2).unflatten(2, grid)
        local = self.local(image).flatten(2).transpose(1, 2)
        return self.proj_drop(self.proj(merge_heads(mixed) + local))

    def _attend(
        self,
        query: Float[Tensor, "batch heads tokens head_dim"],
        key: Float[Tensor, "batch heads tokens head_dim"],
        value: Float[Tensor, "batch heads tokens head_dim"],
        grid: Grid,
    ) -> Float[Tensor, "batch heads tokens head_dim"]:
        rows, columns = (self._penalties(side, query) for side in grid)
        both = rows[:, :, None, :, None] + columns[:, None, :, None, :]
        bias = both.flatten(3).flatten(1, 2)  # (heads, tokens, tokens)
        return softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)

    def _penalties(self, side: int, like: Tensor) -> Float[Tensor, "heads side side"]:
        """Distance along one side times log γ of each head."""
        return penalties(side, self.num_heads, self.decay_range, like.dtype, like.device)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 25 n C + 2 n (keys of a token) C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + LOCAL_KERNEL**2 + 2 * self._keys(grid))

    def _keys(self, grid: Grid) -> int:
        return self.num_tokens(grid)


class AxialManhattanAttention(ManhattanAttention):
    """Manhattan attention along rows, and then along columns."""

    def _attend(
        self,
        query: Float[Tensor, "batch heads tokens head_dim"],
        key: Float[Tensor, "batch heads tokens head_dim"],
        value: Float[Tensor, "batch heads tokens head_dim"],
        grid: Grid,
    ) -> Float[Tensor, "batch heads tokens head_dim"]:
        query, key, value = (t.unflatten(2, grid) for t in (query, key, value))
        value = self._along_rows(query, key, value)
        turned = (t.transpose(2, 3) for t in (query, key, value))
        return self._along_rows(*turned).transpose(2, 3).flatten(2, 3)

    def _along_rows(
        self,
        query: Float[Tensor, "batch heads rows columns head_dim"],
        key: Float[Tensor, "batch heads rows columns head_dim"],
        value: Float[Tensor, "batch heads rows columns head_dim"],
    ) -> Float[Tensor, "batch heads rows columns head_dim"]:
        batch, _, rows, columns, _ = query.shape
        by_row = (t.transpose(1, 2).flatten(0, 1) for t in (query, key, value))
        bias = self._penalties(columns, query)
        mixed = softmax_attention(*by_row, scale=self.scale, impl=self.impl, bias=bias)
        return mixed.unflatten(0, (batch, rows)).transpose(1, 2)

    def _keys(self, grid: Grid) -> int:
        return sum(grid)


@tensor_cache
def penalties(
    side: int, num_heads: int, decay_range: float, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "heads side side"]:
    """|i - j| log γ of each head, between the places of a line."""
    share = torch.arange(num_heads, dtype=torch.float64, device=device) / num_heads
    log_decay = torch.log1p(-(2 ** (-2 - decay_range * share)))
    place = torch.arange(side, device=device)
    distance = (place[:, None] - place[None, :]).abs()
    return (log_decay[:, None, None] * distance).to(dtype)


def rotated(
    x: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """Turn each pair of neighbouring channels by an angle that grows with the place of a token."""
    cosine, sine = angles(x.shape[2], x.shape[3], statistics_dtype(x), x.device)
    even, odd = x.unflatten(3, (-1, 2)).unbind(-1)
    turned = (even * cosine - odd * sine, odd * cosine + even * sine)
    return torch.stack(turned, dim=-1).flatten(3).to(x.dtype)


@tensor_cache
def angles(
    tokens: int, head_dim: int, dtype: torch.dtype, device: torch.device
) -> tuple[Float[Tensor, "tokens pairs"], Float[Tensor, "tokens pairs"]]:
    """Cosine and sine of each token's angle for each pair of channels."""
    steps = torch.linspace(0, 1, head_dim // 2, dtype=torch.float64, device=device)
    place = torch.arange(tokens, dtype=torch.float64, device=device)
    angle = place[:, None] * 10000.0**-steps
    return angle.cos().to(dtype), angle.sin().to(dtype)
