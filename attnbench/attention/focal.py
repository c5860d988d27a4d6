"""Focal attention: windows that also see the tokens around them, and a pooled map further away.

Yang et al. 2021 (https://arxiv.org/abs/2107.00641), with one pooled level. The tokens of a w × w
window attend to

- the tokens of the window itself;
- a ring of ⌊w/2⌋ tokens around it. It is read as the four copies of the window that lie ⌊w/2⌋ up or
  down and left or right, without the places inside of the window; if w is odd, the tokens that two
  copies share count twice, as in the authors' code;
- f × f pooled tokens: the windows around this one, this one included, each summed up by one learned
  linear map of its w² tokens (which starts as the mean).

All keys and values come from one projection. Scores get learned biases: by offset inside of the
window and towards pooled tokens, by pair of places for the ring.

Maps that are no multiple of w are padded at the bottom and right. No token attends to a place
outside of the map; pooling reads such places as zeros. (In the authors' code the ring wraps round
the map.) `ring=False` leaves the ring and its table out, as they do where one window is the map.

MACs for n tokens of width C, padded to n' tokens in n'/w² windows, and r tokens in the ring:
4 n C² + n' C (pooling) + 3 (n'/w²) C² + 2 n' (w² + r + f²) C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attnbench.attention.base import merge_heads
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import BIASED_IMPLS, softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.attention.window import padded, partition, relative_offsets, unpartition
from attnbench.errors import UserError
from attnbench.spec import Grid

FOCAL_REACHES = (7, 5, 3, 1)
"""Pooled windows a side that a token sees, per stage."""


class FocalAttention(ProjectedAttention):
    """Softmax attention inside windows, to a ring around them, and to pooled windows."""

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
        reach: int = FOCAL_REACHES[2],
        ring: bool = True,
        **options: Any,
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            window_size: w.
            reach: f, odd.
            ring: whether tokens around the window are seen.
            options: see `ProjectedAttention`.

        Raises:
            UserError: a size is out of range.
        """
        super().__init__(dim, num_heads, **options)
        if window_size < 1:
            raise UserError(f"window_size must be at least 1, got {window_size}")
        if reach < 1 or reach % 2 == 0:
            raise UserError(f"reach must be odd and at least 1, got {reach}")
        self.window_size, self.reach = window_size, reach
        self.ring_size = len(ring_places(window_size)) if ring else 0
        size = window_size**2
        self.pool = nn.Linear(size, 1)
        nn.init.constant_(self.pool.weight, 1 / size)
        nn.init.zeros_(self.pool.bias)
        self.window_bias = _table(num_heads, (2 * window_size - 1) ** 2)
        self.pooled_bias = _table(num_heads, (window_size + reach - 1) ** 2)
        self.ring_bias = _table(num_heads, size, self.ring_size) if self.ring_size else None

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """The reach of that stage."""
        return {"reach": FOCAL_REACHES[stage]}

    def no_weight_decay(self) -> set[str]:
        """The tables of biases."""
        return {"window_bias", "ring_bias", "pooled_bias"}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend from the tokens of each window to its three kinds of keys."""
        qkv = self._filled(self.qkv(x), grid)
        pooled = self.qkv(self._pooled(self._filled(x, grid)))
        query = partition(qkv[..., : self.dim], self._window)
        keys = keys_of(qkv[..., self.dim :], pooled[..., self.dim :], *self._shape)
        (query,), (key, value) = self.heads(query), self.heads(keys)
        bias = self._bias(grid, query)
        mixed = softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)
        return self.proj_drop(self.proj(self._cropped(merge_heads(mixed), grid)))

    @property
    def _window(self) -> Grid:
        return self.window_size, self.window_size

    @property
    def _shape(self) -> tuple[int, int, bool]:
        """What decides which keys a window has."""
        return self.window_size, self.reach, self.ring_bias is not None

    def _filled(
        self, x: Float[Tensor, "batch tokens channels"], grid: Grid
    ) -> Float[Tensor, "batch height width channels"]:
        """The map, padded with zeros to whole windows."""
        height, width = padded(grid, self._window)
        return F.pad(x.unflatten(1, grid), (0, 0, 0, width - grid[1], 0, height - grid[0]))

    def _pooled(
        self, image: Float[Tensor, "batch height width dim"]
    ) -> Float[Tensor, "batch rows columns dim"]:
        """One token for each window."""
        rows, columns = (side // self.window_size for side in image.shape[1:3])
        windows = partition(image, self._window).transpose(1, 2)
        return self.pool(windows).reshape(-1, rows, columns, self.dim)

    def _bias(self, grid: Grid, query: Tensor) -> Float[Tensor, "windows heads size keys"]:
        """The three biases side by side, and minus infinity towards places outside of the map."""
        size = self.window_size**2
        inside = relative_offsets(self._window, self.window_size, query.device)
        across = pooled_offsets(self.window_size, self.reach, query.device)
        parts = [self.window_bias[:, inside.flatten()].unflatten(1, (size, size))]
        if self.ring_bias is not None:
            parts.append(self.ring_bias)
        parts.append(self.pooled_bias[:, across.flatten()].unflatten(1, (size, self.reach**2)))
        bias = torch.cat(parts, dim=2).to(query.dtype)
        outside = beyond(grid, *self._shape, query.device)
        return bias.masked_fill(outside[:, None, None], float("-inf"))

    def _cropped(
        self, windows: Float[Tensor, "windows size dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        image = unpartition(windows, self._window, padded(grid, self._window))
        return image[:, : grid[0], : grid[1]].flatten(1, 2)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + n' C + 3 (n'/w²) C² + 2 n' (w² + r + f²) C."""
        n, C, size = self.num_tokens(grid), self.dim, self.window_size**2
        height, width = padded(grid, self._window)
        keys = size + self.ring_size + self.reach**2
        pooling = height * width * C + 3 * height * width // size * C**2
        return batch * (4 * n * C**2 + pooling + 2 * height * width * keys * C)


def keys_of(
    fine: Float[Tensor, "batch height width channels"],
    coarse: Float[Tensor, "batch rows columns channels"],
    window_size: int,
    reach: int,
    ring: bool,
) -> Float[Tensor, "windows keys channels"]:
    """For each window of a padded map: its tokens, its ring, the pooled tokens around it."""
    window = window_size, window_size
    parts = [partition(fine, window)]
    if ring:
        around = surroundings(fine, window, window_size // 2)
        parts.append(around[:, ring_index(window_size, fine.device)])
    parts.append(surroundings(coarse, (1, 1), reach // 2))
    return torch.cat(parts, dim=1)


@tensor_cache
def beyond(
    grid: Grid, window_size: int, reach: int, ring: bool, device: torch.device
) -> Bool[Tensor, "windows keys"]:
    """Which keys of each window are no tokens of the map."""
    height, width = padded(grid, (window_size, window_size))
    fine = torch.zeros(1, height, width, 1, device=device)
    fine[:, : grid[0], : grid[1]] = 1
    coarse = torch.ones(1, height // window_size, width // window_size, 1, device=device)
    return keys_of(fine, coarse, window_size, reach, ring)[..., 0] == 0


def surroundings(
    image: Float[Tensor, "batch height width channels"], window: Grid, margin: int
) -> Float[Tensor, "windows size channels"]:
    """The tokens of each window and of a margin around it, row by row; zeros outside of the map."""
    image = F.pad(image, (0, 0, margin, margin, margin, margin))
    rows = image.unfold(1, window[0] + 2 * margin, window[0])
    both = rows.unfold(2, window[1] + 2 * margin, window[1])
    return both.flatten(4).flatten(0, 2).transpose(1, 2)


def ring_places(window_size: int) -> list[int]:
    """Places of the ring in a window with its margin, copy by copy; see the head of this file."""
    margin = window_size // 2
    side, own = window_size + 2 * margin, range(margin, margin + window_size)
    return [
        row * side + column
        for top in (0, 2 * margin)
        for left in (0, 2 * margin)
        for row in range(top, top + window_size)
        for column in range(left, left + window_size)
        if not (row in own and column in own)
    ]


@tensor_cache
def ring_index(window_size: int, device: torch.device) -> Int[Tensor, " ring"]:
    """`ring_places` on a device."""
    return torch.tensor(ring_places(window_size), device=device)


@tensor_cache
def pooled_offsets(
    window_size: int, reach: int, device: torch.device
) -> Int[Tensor, "size pooled"]:
    """Row of the bias table for each token of a window and each pooled token."""
    near, far = (torch.arange(side, device=device) for side in (window_size, reach))
    away = near[:, None] - far[None, :] + reach - 1  # (window_size, reach)
    span = window_size + reach - 1
    both = away[:, None, :, None] * span + away[None, :, None, :]
    return both.flatten(2).flatten(0, 1)


def _table(*shape: int) -> nn.Parameter:
    return nn.Parameter(nn.init.trunc_normal_(torch.zeros(shape), std=0.02))
