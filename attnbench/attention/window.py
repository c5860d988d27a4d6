"""Window attention: softmax attention in windows of w × w tokens, shifted in every other block.

Liu et al. 2021, Swin (https://arxiv.org/abs/2103.14030), with the learned relative position bias
B: softmax(Q Kᵀ / √d + B) V in each window. A shifted layer rolls the map by ⌊w/2⌋ first, and
masks pairs of tokens that the roll brought together from opposite borders.

A map that is no multiple of w is padded at the bottom and right; no token attends to padding.
(Swin's own code lets padding take part.) Along a side that fits into one window, the window
shrinks to that side and is not shifted, as Swin does: the same mathematics without the padding.

Equal to timm's Swin attention on copied weights (names as there: `qkv`, `proj`,
`relative_position_bias_table`) wherever nothing is padded.

MACs for n tokens of width C, padded to n' tokens in windows of s tokens:
3 n C² + 2 n' s C + n C².
"""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attnbench.attention.base import merge_heads
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import BIASED_IMPLS, softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.errors import UserError
from attnbench.spec import Grid


class WindowAttention(ProjectedAttention):
    """Softmax attention inside (shifted) windows."""

    impls: ClassVar[tuple[str, ...]] = BIASED_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "windows cut a grid, and a class token is not on it"
    qkv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        window_size: int = 7,
        shift: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(dim, num_heads, **options)
        if window_size < 1:
            raise UserError(f"window_size must be at least 1, got {window_size}")
        self.window_size = window_size
        self.shift = shift
        offsets = (2 * window_size - 1) ** 2
        self.relative_position_bias_table = nn.Parameter(torch.zeros(offsets, num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """Swin shifts every second block."""
        return {"shift": block % 2 == 1}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend inside the windows of this layer."""
        qkv = self._to_windows(self.qkv(x), grid)  # (batch * windows, size, 3 * dim)
        query, key, value = self.heads(qkv)
        bias = self._bias(grid, query)
        mixed = softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)
        return self.proj_drop(self.proj(self._from_windows(merge_heads(mixed), grid)))

    def window(self, grid: Grid) -> Grid:
        """Height and width of the windows on this grid."""
        return min(self.window_size, grid[0]), min(self.window_size, grid[1])

    def shifts(self, grid: Grid) -> Grid:
        """How far the map is rolled up and left; 0 along a side that is one window."""
        if not self.shift:
            return 0, 0
        rows, columns = (self.window_size // 2 if side > self.window_size else 0 for side in grid)
        return rows, columns

    def _to_windows(
        self, x: Float[Tensor, "batch tokens channels"], grid: Grid
    ) -> Float[Tensor, "windows size channels"]:
        height, width = grid
        rows, columns = self.shifts(grid)
        window = self.window(grid)
        image = x.reshape(-1, height, width, x.shape[-1])
        image = F.pad(image, (0, 0, 0, -width % window[1], 0, -height % window[0]))
        return partition(image.roll((-rows, -columns), dims=(1, 2)), window)

    def _from_windows(
        self, windows: Float[Tensor, "windows size dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        rows, columns = self.shifts(grid)
        image = unpartition(windows, self.window(grid), padded(grid, self.window(grid)))
        image = image.roll((rows, columns), dims=(1, 2))[:, : grid[0], : grid[1]]
        return image.reshape(image.shape[0], grid[0] * grid[1], self.dim)

    def _bias(self, grid: Grid, query: Tensor) -> Float[Tensor, "windows heads size size"]:
        """Relative position bias, and minus infinity between tokens that must not meet."""
        window = self.window(grid)
        offsets = relative_offsets(window, self.window_size, query.device)
        size = window[0] * window[1]
        table = self.relative_position_bias_table[offsets.flatten()]
        bias = table.reshape(size, size, self.num_heads).permute(2, 0, 1).to(query.dtype)
        apart = separated(grid, window, self.shifts(grid), query.device)  # (windows, size, size)
        return bias.masked_fill(apart[:, None], float("-inf"))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n' s C."""
        window = self.window(grid)
        height, width = padded(grid, window)
        core = 2 * height * width * (window[0] * window[1]) * self.dim
        return batch * (4 * self.num_tokens(grid) * self.dim**2 + core)


def padded(grid: Grid, window: Grid) -> Grid:
    """The grid enlarged to multiples of the window."""
    return (
        ceil(grid[0] / window[0]) * window[0],
        ceil(grid[1] / window[1]) * window[1],
    )


def partition(
    image: Float[Tensor, "batch height width channels"], window: Grid
) -> Float[Tensor, "windows size channels"]:
    """Cut maps into windows: all windows of the first map, then those of the next."""
    batch, height, width, channels = image.shape
    tiles = image.reshape(
        batch, height // window[0], window[0], width // window[1], window[1], channels
    )
    return tiles.transpose(2, 3).reshape(-1, window[0] * window[1], channels)


def unpartition(
    windows: Float[Tensor, "windows size channels"], window: Grid, grid: Grid
) -> Float[Tensor, "batch height width channels"]:
    """The inverse of `partition` for maps of this grid."""
    rows, columns = grid[0] // window[0], grid[1] // window[1]
    tiles = windows.reshape(-1, rows, columns, window[0], window[1], windows.shape[-1])
    return tiles.transpose(2, 3).reshape(-1, grid[0], grid[1], windows.shape[-1])


@tensor_cache
def relative_offsets(
    window: Grid, window_size: int, device: torch.device
) -> Int[Tensor, "size size"]:
    """Row of the bias table for each pair of tokens in a window, by their offset."""
    rows = torch.arange(window[0], device=device).repeat_interleave(window[1])
    columns = torch.arange(window[1], device=device).repeat(window[0])
    down = rows[:, None] - rows[None, :] + window_size - 1
    right = columns[:, None] - columns[None, :] + window_size - 1
    return down * (2 * window_size - 1) + right


@tensor_cache
def separated(
    grid: Grid, window: Grid, shifts: Grid, device: torch.device
) -> Bool[Tensor, "windows size size"]:
    """True where two tokens of a window must not meet.

    They meet if both are real tokens from the same side of the seam of the roll, or both are
    padding (so that no row is empty; the outputs of padding are thrown away).
    """
    rows = _regions(grid[0], padded(grid, window)[0], shifts[0], device)
    columns = _regions(grid[1], padded(grid, window)[1], shifts[1], device)
    region = rows[:, None] * 3 + columns[None, :]
    region = region.masked_fill((rows[:, None] == 2) | (columns[None, :] == 2), -1)
    tiles = partition(region[None, :, :, None].float(), window)[..., 0]  # (windows, size)
    return tiles[:, :, None] != tiles[:, None, :]


def _regions(side: int, padded_side: int, shift: int, device: torch.device) -> Tensor:
    """After rolling by `shift`: 0 for tokens, 1 for tokens wrapped round, 2 for padding."""
    region = torch.zeros(padded_side, dtype=torch.long, device=device)
    region[:shift] = 1
    region[side:] = 2
    return region.roll(-shift)
