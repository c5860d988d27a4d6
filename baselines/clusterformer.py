"""ClusterFormer, after the published outline: attention among tokens of the same cluster.

Wang et al. 2022 (https://aclanthology.org/2022.acl-long.170), a language model. Neither code nor
equations could be had; sizes and losses are the paper's, the formulas are this project's reading.
Per layer, with k learned centroids E (k × C) and W (C × C):

    U = softmax over the tokens of (E W) Xᵀ / √C,  E' = U X        the centroids move to the image
    each token belongs to the centroid of E' that its direction is nearest to
    tokens sorted by cluster are cut into blocks of w = ⌈n / k⌉; a block attends to itself and to
    the next one (the last one: to the first), 2 w keys for each token; sorted back

Two losses, which training collects (`Attention.auxiliary_losses`), train E and W: tokens should be
near their centroid, and centroids near the next one, so that neighbouring blocks are alike:

    - mean cos(x_i, e'_(cluster of i)),   - mean cos(e'_j, e'_(j+1)),   each times 0.1 (our choice)

Departures: each layer has centroids of its own, where the paper hands them on from layer to layer;
so tokens are assigned by the moved centroids. Assignment and order carry no gradient. n is padded
to whole blocks, and padding is masked. With fewer than k tokens each has a block of its own. The
work does not depend on the image. Distances are in float32 at least.

MACs for n tokens of width C, padded to n': 4 n C² + 3 k n C + 4 n' w C, and k C² once.
"""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnbench.attention.base import linear, statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import softmax_attention
from attnbench.errors import UserError
from attnbench.spec import Grid

LOSS_WEIGHT = 0.1


class ClusterAttention(ProjectedAttention):
    """Softmax attention inside blocks of tokens that are sorted by cluster."""

    at_most_tokens: ClassVar[tuple[str, ...]] = ("num_clusters",)
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, *, num_clusters: int = 8, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        if num_clusters < 1:
            raise UserError(f"num_clusters must be at least 1, got {num_clusters}")
        self.num_clusters = num_clusters
        self.centroids = nn.Parameter(torch.randn(num_clusters, dim))
        self.to_token = linear(dim, dim, bias=False)
        nn.init.normal_(self.to_token.weight, std=dim**-0.5)

    def no_weight_decay(self) -> set[str]:
        """The centroids."""
        return {"centroids"}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Sort the tokens by cluster, attend in blocks, and sort back."""
        order = self._order(x)
        along = order[..., None]
        qkv = self.qkv(x)
        query, key, value = self.heads(qkv.gather(1, along.expand(qkv.shape)))
        mixed = self.output(self._in_blocks(query, key, value))
        return mixed.gather(1, order.argsort(1)[..., None].expand(mixed.shape))

    def _order(self, x: Float[Tensor, "batch tokens dim"]) -> Int[Tensor, "batch tokens"]:
        """Indices of the tokens, sorted by cluster; within one in reading order."""
        learns = self.auxiliary_losses is not None and torch.is_grad_enabled()
        with torch.set_grad_enabled(learns):
            moved, nearness = self._clusters(x)
        cluster = nearness.detach().argmax(1)  # (batch, tokens)
        if self.auxiliary_losses is not None:
            own = nearness.gather(1, cluster[:, None]).mean()
            following = (moved[:, :-1] * moved[:, 1:]).sum(-1)
            nearby = following.mean() if following.numel() else own.new_zeros(())
            self.auxiliary_losses.append(-LOSS_WEIGHT * (own + nearby))
        return cluster.argsort(dim=1, stable=True)

    def _clusters(
        self, x: Float[Tensor, "batch tokens dim"]
    ) -> tuple[Float[Tensor, "batch clusters dim"], Float[Tensor, "batch clusters tokens"]]:
        """Directions of the moved centroids, and their cosines with the tokens."""
        exact = statistics_dtype(x)
        x = x.to(exact)
        seeking = self.centroids.to(exact) @ self.to_token.weight.to(exact).T
        shares = (seeking @ x.transpose(1, 2) * self.dim**-0.5).softmax(-1)
        moved = F.normalize(shares @ x, dim=-1)
        return moved, moved @ F.normalize(x, dim=-1).transpose(1, 2)

    def _in_blocks(
        self,
        query: Float[Tensor, "batch heads tokens head_dim"],
        key: Float[Tensor, "batch heads tokens head_dim"],
        value: Float[Tensor, "batch heads tokens head_dim"],
    ) -> Float[Tensor, "batch heads tokens head_dim"]:
        n = query.shape[2]
        blocks, width = self._blocks(n)
        padding = (0, 0, 0, blocks * width - n)
        query, key, value = (
            F.pad(t, padding).unflatten(2, (blocks, width)) for t in (query, key, value)
        )
        empty = torch.arange(blocks * width, device=query.device) >= n
        empty = empty.reshape(blocks, 1, width)
        if blocks > 1:
            key, value = (torch.cat([t, t.roll(-1, dims=2)], dim=3) for t in (key, value))
            empty = torch.cat([empty, empty.roll(-1, dims=0)], dim=2)
        bias = torch.zeros(empty.shape, dtype=query.dtype, device=query.device)
        bias = bias.masked_fill(empty, float("-inf"))
        mixed = softmax_attention(query, key, value, scale=self.scale, impl="reference", bias=bias)
        return mixed.flatten(2, 3)[:, :, :n]

    def _blocks(self, tokens: int) -> tuple[int, int]:
        """Number of blocks, and tokens of each; no block is empty."""
        width = ceil(tokens / self.num_clusters)
        return ceil(tokens / width), width

    def choosing_macs(self, grid: Grid, batch: int = 1) -> int:
        """Of the clusters, 3 k n C and k C²: without a gradient unless losses are collected."""
        k, C = self.num_clusters, self.dim
        return k * C**2 + batch * 3 * k * self.num_tokens(grid) * C

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 4 n' w C (2 n' w C if there is one block), and the clusters."""
        n, C = self.num_tokens(grid), self.dim
        blocks, width = self._blocks(n)
        keys = 2 * width if blocks > 1 else width
        attending = 2 * blocks * width * keys * C
        return batch * (4 * n * C**2 + attending) + self.choosing_macs(grid, batch)
