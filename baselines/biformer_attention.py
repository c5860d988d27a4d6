"""Bi-level routing: each region of the map chooses k regions, and its tokens attend to theirs.

Zhu et al. 2023, BiFormer (https://arxiv.org/abs/2303.08810). The map is cut into S × S regions.
Q_r and K_r are the means of the queries and of the keys of each region. Region i chooses the k
regions of the largest (Q_r K_rᵀ)_i; no gradient flows through the choice. With K_i and V_i of the
tokens of these regions, its own tokens get

    softmax(Q K_iᵀ / √C) V_i + E(V),

where E is a depthwise 5 × 5 convolution over the whole map. The scale is that of all C channels.

Which regions are chosen depends on the image; how much work that is does not.

Regions are rectangles of ⌈h/S⌉ × ⌈w/S⌉ tokens, so a small map has fewer of them. Maps that they do
not cut evenly are padded behind the projection at the bottom and right: padding counts in no mean,
no token attends to it, and E reads zeros. (The authors have two versions: one pads the input, the
other as here.) If there are at most k regions, all are chosen, and nothing is padded or routed;
`topk=None` asks for that at any size.

MACs for n tokens of width C, n' with padding, in R regions of t tokens: 4 n C² + 25 n C, and in the
middle R² C + 2 n' k t C, or 2 n² C where all regions are chosen.
"""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attnbench.attention.base import merge_heads, split_heads, statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import BIASED_IMPLS, softmax_attention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.attention.window import padded, partition, unpartition
from attnbench.errors import UserError
from attnbench.spec import Grid

BIFORMER_TOPK = (1, 4, 16, None)
"""Regions that a region chooses, per stage; None for all."""
REGIONS = 7
LOCAL_KERNEL = 5


class BiLevelAttention(ProjectedAttention):
    """Softmax attention from the tokens of a region to those of the regions that it chooses."""

    impls: ClassVar[tuple[str, ...]] = BIASED_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "regions cut a grid, and a class token is not on it"
    qkv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        topk: int | None = 4,
        regions: int = REGIONS,
        **options: Any,
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            topk: k, or None for all regions.
            regions: S.
            options: see `ProjectedAttention`.

        Raises:
            UserError: a size is out of range.
        """
        super().__init__(dim, num_heads, **options)
        if regions < 1:
            raise UserError(f"regions must be at least 1, got {regions}")
        if topk is not None and topk < 1:
            raise UserError(f"topk must be at least 1, got {topk}")
        if topk is not None and topk > regions**2:
            raise UserError(
                f"topk must be at most the number of regions, {regions} × {regions} = "
                f"{regions**2}; got {topk}"
            )
        self.topk, self.regions = topk, regions
        self.scale = dim**-0.5
        self.local = nn.Conv2d(dim, dim, LOCAL_KERNEL, padding=LOCAL_KERNEL // 2, groups=dim)

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """The number of chosen regions in that stage."""
        return {"topk": BIFORMER_TOPK[stage]}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend from each region to those that it chooses, and add the convolution of V."""
        qkv = self.qkv(x)
        mixed = self._attend_to_all(qkv) if self._takes_all(grid) else self._routed(qkv, grid)
        value = qkv[..., 2 * self.dim :].transpose(1, 2).unflatten(2, grid)
        local = self.local(value).flatten(2).transpose(1, 2)
        return self.proj_drop(self.proj(mixed + local))

    def region(self, grid: Grid) -> Grid:
        """Height and width of the regions on this grid."""
        return ceil(grid[0] / self.regions), ceil(grid[1] / self.regions)

    def num_regions(self, grid: Grid) -> int:
        """How many regions this grid has."""
        rows, columns = self.region(grid)
        return ceil(grid[0] / rows) * ceil(grid[1] / columns)

    def _takes_all(self, grid: Grid) -> bool:
        return self.topk is None or self.topk >= self.num_regions(grid)

    def _attend_to_all(
        self, qkv: Float[Tensor, "batch tokens channels"]
    ) -> Float[Tensor, "batch tokens dim"]:
        query, key, value = self.heads(qkv)
        mixed = softmax_attention(query, key, value, scale=self.scale, impl=self.impl)
        return merge_heads(mixed)

    def _routed(
        self, qkv: Float[Tensor, "batch tokens channels"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        region = self.region(grid)
        height, width = padded(grid, region)
        image = F.pad(qkv.unflatten(1, grid), (0, 0, 0, width - grid[1], 0, height - grid[0]))
        tiles = partition(image, region).unflatten(0, (len(qkv), -1))  # (batch, regions, size, 3C)
        chosen = self.routes(tiles, grid)
        query, pairs = tiles.split((self.dim, 2 * self.dim), dim=-1)
        key, value = gathered(pairs, chosen).split(self.dim, dim=-1)
        query, key, value = (
            split_heads(t, self.num_heads) for t in (query.flatten(0, 1), key, value)
        )
        bias = self._bias(chosen, grid, query)
        mixed = softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)
        image = unpartition(merge_heads(mixed), region, (height, width))
        return image[:, : grid[0], : grid[1]].flatten(1, 2)

    def routes(
        self, tiles: Float[Tensor, "batch regions size channels"], grid: Grid
    ) -> Int[Tensor, "batch regions topk"]:
        """The regions that each region chooses, by the means of queries and keys."""
        real = real_tokens(grid, self.region(grid), tiles.device)  # (regions, size)
        sums = tiles.detach()[..., : 2 * self.dim].sum(2, dtype=statistics_dtype(tiles))
        query, key = (sums / real.sum(1)[:, None]).split(self.dim, dim=-1)
        return (query @ key.transpose(1, 2)).topk(self.topk or 1, dim=-1).indices

    def _bias(
        self, chosen: Int[Tensor, "batch regions topk"], grid: Grid, query: Tensor
    ) -> Float[Tensor, "tiles 1 size keys"] | None:
        """Minus infinity towards tokens that pad the map; None where nothing is padded."""
        region = self.region(grid)
        if padded(grid, region) == grid:
            return None
        real = real_tokens(grid, region, query.device)
        keys = real[chosen.flatten(0, 1)].flatten(1)  # (batch * regions, keys)
        bias = torch.zeros_like(keys, dtype=query.dtype).masked_fill(~keys, float("-inf"))
        return bias[:, None, None].expand(-1, 1, query.shape[2], -1)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 25 n C + R² C + 2 n' k t C, or 2 n² C in place of the last two."""
        n, dim = self.num_tokens(grid), self.dim
        around = 4 * n * dim**2 + LOCAL_KERNEL**2 * n * dim
        if self.topk is None or self._takes_all(grid):
            return batch * (around + 2 * n**2 * dim)
        region = self.region(grid)
        height, width = padded(grid, region)
        pairs = height * width * self.topk * region[0] * region[1]
        return batch * (around + self.num_regions(grid) ** 2 * dim + 2 * pairs * dim)


def gathered(
    tiles: Float[Tensor, "batch regions size channels"], chosen: Int[Tensor, "batch regions topk"]
) -> Float[Tensor, "tiles keys channels"]:
    """The tokens of the regions that each region has chosen, one region behind the other."""
    batch, regions = tiles.shape[:2]
    first = torch.arange(0, batch * regions, regions, device=chosen.device)
    rows = (chosen + first[:, None, None]).flatten()
    found = tiles.flatten(0, 1).index_select(0, rows)
    return found.reshape(batch * regions, -1, tiles.shape[3])


@tensor_cache
def real_tokens(grid: Grid, region: Grid, device: torch.device) -> Bool[Tensor, "regions size"]:
    """Which tokens of each region are no padding."""
    real = torch.zeros(1, *padded(grid, region), 1, device=device)
    real[:, : grid[0], : grid[1]] = 1
    return partition(real, region)[..., 0] > 0
