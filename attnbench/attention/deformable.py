"""Deformable attention: every token attends to places that the queries have moved.

Xia et al. 2022, DAT (https://arxiv.org/abs/2201.00520). Heads form groups of up to four. From the
queries of a group, a small network (depthwise k × k convolution, norm, GELU, projection to two
numbers) finds an offset for each place of the grid, of at most one token a side:
Δp = 2 tanh(·) / (height, width) in coordinates that run from -1 to 1. The input is sampled there by
bilinear interpolation, zero outside of the map, and gives keys and values:
softmax(Q Kᵀ / √d + B) V, where B interpolates a table of biases, one per head, at the distance
between a query and a moved place.

The table belongs to a grid of `table_side` × `table_side`; other grids resize it (bicubic).
Coordinates are computed in float32 at least. As in the authors' code, the centres of cells divide
[-1, 1] evenly, while sampling puts the centres of the outer cells at -1 and 1.

MACs for n tokens of width C: 4 n C² + (k² + 2) n C (offsets) + 2 n² C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import BIASED_IMPLS, softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.errors import UserError
from attnbench.spec import Grid

HEADS_A_GROUP = 4
"""Or the largest divisor of the number of heads below it."""
OFFSET_RANGE = 2.0
"""Largest offset, in halves of a token."""
DAT_KERNELS = (9, 7, 5, 3)
"""Kernel of the offset network per stage."""
DAT_SIDES = (56, 28, 14, 7)
"""Side of the map per stage at 224 px."""


class DeformableAttention(ProjectedAttention):
    """Softmax attention over a map sampled at moved places."""

    impls: ClassVar[tuple[str, ...]] = BIASED_IMPLS
    projections: ClassVar[dict[str, int]] = {"q": 1, "kv": 2}
    refuses_prefix_tokens: ClassVar[str] = "places are moved on a grid"
    q: nn.Linear
    kv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        kernel_size: int = DAT_KERNELS[2],
        table_side: int = DAT_SIDES[2],
        **options: Any,
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            kernel_size: k, odd.
            table_side: side of the grid that the table of biases is for.
            options: see `ProjectedAttention`.

        Raises:
            UserError: a size is out of range.
        """
        super().__init__(dim, num_heads, **options)
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise UserError(f"kernel_size must be odd and at least 1, got {kernel_size}")
        if table_side < 1:
            raise UserError(f"table_side must be at least 1, got {table_side}")
        self.kernel_size = kernel_size
        self.num_groups = num_heads // next(
            heads for heads in range(HEADS_A_GROUP, 0, -1) if num_heads % heads == 0
        )
        self.offsets = OffsetNetwork(dim // self.num_groups, kernel_size)
        self.bias_table = nn.Parameter(
            torch.zeros(num_heads, 2 * table_side - 1, 2 * table_side - 1)
        )
        nn.init.trunc_normal_(self.bias_table, std=0.01)

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """DAT's kernel, and the side of the map at 224 px."""
        return {"kernel_size": DAT_KERNELS[stage], "table_side": DAT_SIDES[stage]}

    def no_weight_decay(self) -> set[str]:
        """The table of biases."""
        return {"bias_table"}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Move the places, sample the input there, and attend to the samples."""
        queries = self.q(x)
        places = self._places(queries, grid)
        (query,) = self.heads(queries)
        key, value = self.heads(self.kv(self._sampled(x, places, grid)))
        bias = self._bias(places, grid).to(query.dtype)
        return self.output(
            softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)
        )

    def _places(
        self, queries: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "maps tokens 2"]:
        """Row and column of the moved places, for each map of a group."""
        raw = self.offsets(self._groups(queries, grid))
        raw = raw.to(statistics_dtype(raw))
        still = centres(grid, raw.dtype, raw.device)
        return still + OFFSET_RANGE * raw.tanh() / sides(grid, raw.dtype, raw.device)

    def _sampled(
        self,
        x: Float[Tensor, "batch tokens dim"],
        places: Float[Tensor, "maps tokens 2"],
        grid: Grid,
    ) -> Float[Tensor, "batch tokens dim"]:
        """The input at these places."""
        maps = self._groups(x, grid).to(places.dtype)
        samples = _interpolated(maps, places[:, None])[:, :, 0]  # (maps, channels, tokens)
        return samples.reshape(x.shape[0], self.dim, -1).transpose(1, 2).to(x.dtype)

    def _bias(
        self, places: Float[Tensor, "maps tokens 2"], grid: Grid
    ) -> Float[Tensor, "batch heads tokens tokens"]:
        """The table at half the distance between each token and each moved place."""
        rows, columns = (2 * side - 1 for side in grid)
        table = self.bias_table.to(places.dtype)
        if table.shape[1:] != (rows, columns):
            table = F.interpolate(table[None], size=(rows, columns), mode="bicubic")[0]
        tables = table.unflatten(0, (self.num_groups, -1))
        tables = tables.repeat(places.shape[0] // self.num_groups, 1, 1, 1)
        still = centres(grid, places.dtype, places.device)
        distances = (still[None, :, None] - places[:, None]) / 2  # (maps, tokens, tokens, 2)
        bias = _interpolated(tables, distances)  # (maps, heads of a group, tokens, tokens)
        return bias.reshape(-1, self.num_heads, *bias.shape[2:])

    def _groups(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "maps channels height width"]:
        """The channels of each group as a map."""
        return x.transpose(1, 2).reshape(-1, self.dim // self.num_groups, *grid)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + (k² + 2) n C + 2 n² C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + self.kernel_size**2 + 2 + 2 * n)


class OffsetNetwork(nn.Module):
    """Two numbers for each place of a map."""

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, channels, kernel_size, padding=kernel_size // 2, groups=channels
        )
        self.norm = nn.LayerNorm(channels)
        self.act = nn.GELU()
        self.to_offset = nn.Linear(channels, 2, bias=False)

    def forward(
        self, maps: Float[Tensor, "maps channels height width"]
    ) -> Float[Tensor, "maps tokens 2"]:
        """Unbounded offsets of each place, down and right."""
        hidden = self.conv(maps).flatten(2).transpose(1, 2)
        return self.to_offset(self.act(self.norm(hidden)))


@tensor_cache
def centres(grid: Grid, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "tokens 2"]:
    """Row and column of the centre of each cell, in [-1, 1]."""
    rows, columns = (
        (2 * torch.arange(side, dtype=dtype, device=device) + 1) / side - 1 for side in grid
    )
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).flatten(0, 1)


@tensor_cache
def sides(grid: Grid, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " 2"]:
    """Height and width; kept, since a copy to a GPU in each call would wait for it."""
    return torch.tensor(grid, dtype=dtype, device=device)


def _interpolated(
    maps: Float[Tensor, "maps channels height width"], places: Float[Tensor, "maps a b 2"]
) -> Float[Tensor, "maps channels a b"]:
    """Bilinear samples; -1 and 1 are the centres of the outer elements."""
    return F.grid_sample(maps, places.flip(-1), align_corners=True)
