"""Slide attention: every token attends to its 3 × 3 neighbourhood, found by depthwise convolutions.

Pan et al. 2023, Slide-Transformer (https://arxiv.org/abs/2304.04237), written from the publication.
A depthwise convolution makes nine copies of a map, one for each offset o: with a kernel of zeros
and a one it shifts the map, and a second kernel that is learned deforms it. With K_o and V_o the
copies of the keys and values, a token p gets

    Σ_o softmax_o(q(p) · (K_o(p) + b_o) / √d) V_o(p),

with a learned number b_o for each head and offset. All heads share the convolutions, and so do keys
and values. As in the publication, neighbours outside of the map take part as zeros, so any grid
works as it is.

`merged=True` has one kernel, the sum of the two: it computes the same with half of the work, and is
what is used after training. Its fresh kernel is the shift plus a small random one.

MACs for n tokens of width C: 4 n C² + 162 n C, or 324 n C with two kernels. The 18 n C products
with queries and weights are elementwise and are not counted, as in the published numbers.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.projected import ProjectedAttention
from attnbench.spec import Grid

SIDE = 3
OFFSETS = SIDE**2


class SlideAttention(ProjectedAttention):
    """Softmax attention over shifted and deformed copies of the map."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "neighbours lie on a grid, and a class token does not"
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, *, merged: bool = True, **options: Any) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            merged: whether one learned kernel stands for the fixed and the learned one.
            options: see `ProjectedAttention`.
        """
        super().__init__(dim, num_heads, **options)
        self.copies = _copying(self.head_dim)
        if merged:
            self.copies.weight.data += one_hot_kernels(self.head_dim)
            self.deformed = None
        else:
            self.copies.weight.data = one_hot_kernels(self.head_dim)
            self.copies.weight.requires_grad_(False)
            self.deformed = _copying(self.head_dim)
        self.offset_bias = nn.Parameter(torch.zeros(num_heads, OFFSETS))
        nn.init.trunc_normal_(self.offset_bias, std=0.02)

    def no_weight_decay(self) -> set[str]:
        """The numbers added to the copies of the keys."""
        return {"offset_bias"}

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend to the copies, offset by offset."""
        maps = self.qkv(x).transpose(1, 2).unflatten(1, (3, self.num_heads, self.head_dim))
        maps = maps.transpose(0, 1).flatten(1, 2)  # (3, batch * heads, head_dim, tokens)
        query, pair = maps[0] * self.scale, maps[1:].flatten(0, 1)
        key, value = self._copies(pair, grid).chunk(2)  # (batch * heads, head_dim, 9, tokens)
        scores = (query[:, :, None] * key).sum(1) + self._bias(len(x)) * query.sum(1, keepdim=True)
        weights = scores.softmax(1, dtype=statistics_dtype(scores)).to(value.dtype)
        mixed = (weights[:, None] * value).sum(2).unflatten(0, (len(x), -1))
        return self.proj_drop(self.proj(mixed.flatten(1, 2).transpose(1, 2)))

    def _copies(
        self, maps: Float[Tensor, "maps head_dim tokens"], grid: Grid
    ) -> Float[Tensor, "maps head_dim 9 tokens"]:
        """One copy for each offset, row by row."""
        images = maps.unflatten(2, grid)
        copies = self.copies(images)
        if self.deformed is not None:
            copies = copies + self.deformed(images)
        return copies.flatten(2).unflatten(1, (-1, OFFSETS))

    def _bias(self, batch: int) -> Float[Tensor, "maps 9 1"]:
        """The learned numbers of each head, for each image."""
        return self.offset_bias.repeat(batch, 1)[:, :, None]

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 162 n C for each kernel."""
        kernels = 1 if self.deformed is None else 2
        of_copies = 2 * kernels * OFFSETS * SIDE**2
        return batch * self.num_tokens(grid) * self.dim * (4 * self.dim + of_copies)


def one_hot_kernels(channels: int) -> Float[Tensor, "kernels 1 3 3"]:
    """For each channel nine kernels, each of which copies the neighbour at one offset."""
    kernels = torch.eye(OFFSETS).unflatten(1, (1, SIDE, SIDE))
    return kernels.repeat(channels, 1, 1, 1)


def _copying(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, OFFSETS * channels, SIDE, padding=SIDE // 2, groups=channels)
