"""Cross-shaped windows: half of the heads attend along vertical stripes, the others along rows.

Dong et al. 2022, CSWin (https://arxiv.org/abs/2107.00652). The first heads attend inside stripes of
s columns and the full height, the others inside stripes of s rows and the full width; per stripe

    softmax(Q Kᵀ / √d) V + E(V),

where E is a depthwise 3 × 3 convolution of the stripe, with zeros around it (LePE, which gives
positions). Where both stripes are the whole map they are one window of all heads; `whole` asks for
that at any size, as in the last stage of the models.

What CSWin leaves open: an odd number of heads gives one more to the vertical stripes; one head is
cut into two of half the width. Maps that s does not divide, which the authors' code refuses, are
padded at the bottom and right; no token attends to padding, and E reads it as zeros. Along a side
that is shorter than s the stripe shrinks to that side.

MACs for n tokens of width C, where half j has c_j channels, stripes of m_j tokens, and n_j tokens
with its padding: 4 n C² + Σ_j (2 n_j m_j + 9 n_j) c_j. Without padding and with even heads the sum
is n C s (h + w) + 9 n C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import merge_heads
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import BIASED_IMPLS, softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.attention.window import padded, partition, unpartition
from attnbench.errors import UserError
from attnbench.spec import Grid

CSWIN_STRIPES = (1, 2, 7, 7)
"""Width of the stripes per stage, at 224 px."""
WHOLE_FROM = 3
"""First stage whose blocks attend over the whole map."""
LOCAL_KERNEL = 3

Half = tuple[slice, Grid]
"""Channels, and the height and width of their stripes."""


class CrossWindowAttention(ProjectedAttention):
    """Softmax attention inside vertical and horizontal stripes."""

    impls: ClassVar[tuple[str, ...]] = BIASED_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "stripes cut a grid, and a class token is not on it"
    qkv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        stripe_width: int = 7,
        whole: bool = False,
        **options: Any,
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`; one head needs an even `dim`.
            stripe_width: s.
            whole: whether all heads attend over the whole map, at any size.
            options: see `ProjectedAttention`.

        Raises:
            UserError: a size is out of range.
        """
        if num_heads == 1 and dim % 2:
            raise UserError(f"one head is cut into two halves, so dim must be even, got {dim}")
        super().__init__(dim, max(num_heads, 2), **options)
        if stripe_width < 1:
            raise UserError(f"stripe_width must be at least 1, got {stripe_width}")
        self.stripe_width, self.whole = stripe_width, whole
        self.local = nn.Conv2d(
            dim, dim, LOCAL_KERNEL, padding=LOCAL_KERNEL // 2, groups=dim
        )  # each half applies its own channels of it

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """The stripes of that stage."""
        return {"stripe_width": CSWIN_STRIPES[stage], "whole": stage >= WHOLE_FROM}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend inside the stripes of each half of the heads."""
        image = self.qkv(x).unflatten(1, grid).unflatten(3, (3, self.dim))
        mixed = [self._attend(image[..., half[0]], half, grid) for half in self._halves(grid)]
        return self.proj_drop(self.proj(torch.cat(mixed, dim=-1)))

    def _halves(self, grid: Grid) -> list[Half]:
        """The vertical and the horizontal stripes, or one window of all channels."""
        height, width = grid
        down = height, min(self.stripe_width, width)
        across = min(self.stripe_width, height), width
        if self.whole or down == across:
            return [(slice(0, self.dim), grid)]
        middle = (self.num_heads + 1) // 2 * self.head_dim
        return [(slice(0, middle), down), (slice(middle, self.dim), across)]

    def _attend(
        self, image: Float[Tensor, "batch height width 3 part"], half: Half, grid: Grid
    ) -> Float[Tensor, "batch tokens part"]:
        channels, stripe = half
        part = channels.stop - channels.start
        height, width = padded(grid, stripe)
        image = F.pad(image.flatten(3), (0, 0, 0, width - grid[1], 0, height - grid[0]))
        stripes = partition(image, stripe).unflatten(2, (3, -1, self.head_dim))
        query, key, value = stripes.transpose(1, 3).unbind(2)  # (stripes, heads, size, head_dim)
        bias = padding_bias(grid, stripe, query.dtype, query.device)
        mixed = softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)
        mixed = merge_heads(mixed) + self._local(merge_heads(value), channels, stripe)
        whole = unpartition(mixed, stripe, (height, width))[:, : grid[0], : grid[1]]
        return whole.reshape(-1, grid[0] * grid[1], part)

    def _local(
        self, value: Float[Tensor, "stripes size part"], channels: slice, stripe: Grid
    ) -> Float[Tensor, "stripes size part"]:
        """The convolution of each stripe."""
        weight, bias = self.local.weight[channels], self.local.bias
        image = value.transpose(1, 2).unflatten(2, stripe)
        local = F.conv2d(
            image,
            weight,
            None if bias is None else bias[channels],
            padding=LOCAL_KERNEL // 2,
            groups=len(weight),
        )
        return local.flatten(2).transpose(1, 2)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + Σ_j (2 n_j m_j + 9 n_j) c_j."""
        total = 4 * self.num_tokens(grid) * self.dim**2
        for channels, stripe in self._halves(grid):
            height, width = padded(grid, stripe)
            keys = stripe[0] * stripe[1]
            part = channels.stop - channels.start
            total += (2 * keys + LOCAL_KERNEL**2) * height * width * part
        return batch * total


@tensor_cache
def padding_bias(
    grid: Grid, stripe: Grid, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "stripes 1 size size"] | None:
    """Minus infinity towards tokens that pad the map; None where nothing is padded."""
    height, width = padded(grid, stripe)
    if (height, width) == grid:
        return None
    bias = torch.full((1, height, width, 1), float("-inf"), dtype=dtype, device=device)
    bias[:, : grid[0], : grid[1]] = 0
    size = stripe[0] * stripe[1]
    return partition(bias, stripe)[:, None, None, :, 0].expand(-1, 1, size, size)
