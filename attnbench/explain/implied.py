"""The attention that anchors imply for every token of a picture, small enough for a page.

S = A Δ⁻¹ Aᵀ has tokens² entries. Where the grid is finer than `MOST_SIDE`, squares of tokens are
taken together: the mean over the tokens of a square that pay attention, the sum over those that
receive it. Both are sums over rows of A, so S is never formed at full size.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.explain.anchor_maps import drawn_layers
from attnbench.explain.anchor_use import Assignment, assignments
from attnbench.spec import Grid

MOST_SIDE = 14
"""Cells along a side: each layer of a picture has at most 14⁴ bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Implied:
    """One layer, on one image."""

    layer: str
    cells: Grid
    """(rows, columns) of squares of tokens."""
    block: int
    """Tokens along a side of a square."""
    attention: Float[Tensor, "cells cells"]
    """Row by row: what each cell pays to all; rows sum to 1 where there are no prefix tokens."""


def implied_attention(
    model: nn.Module, image: Float[Tensor, "1 channels height width"]
) -> list[Implied]:
    """The layers that are drawn; mean over heads.

    Args:
        model: in evaluation mode.
        image: normalised.

    Raises:
        UserError: the model has no anchors.
    """
    found = assignments(model, image)
    return [_of_layer(name, found[name]) for name in drawn_layers(found)]


def _of_layer(name: str, found: Assignment) -> Implied:
    matrix = found.matrix[0]  # (heads, tokens, anchors)
    maps = matrix[:, found.num_prefix_tokens :].transpose(1, 2).unflatten(2, found.grid)
    block = _block(found.grid)
    received = _in_squares(maps, block, "sum")  # (heads, anchors, rows, columns)
    paid = _in_squares(maps, block, "mean").flatten(2).transpose(1, 2)
    degrees = matrix.sum(1)[:, None]  # (heads, 1, anchors)
    return Implied(
        layer=name, cells=(int(received.shape[2]), int(received.shape[3])), block=block,
        attention=((paid / degrees) @ received.flatten(2)).mean(0),
    )  # fmt: skip


def _block(grid: Grid) -> int:
    """Tokens along a side of a square; where one fits, one that leaves no cut squares."""
    least = -(-max(grid) // MOST_SIDE)
    whole = (block for block in range(least, 2 * least) if not any(side % block for side in grid))
    return next(whole, least)


def _in_squares(
    maps: Float[Tensor, "heads anchors height width"], block: int, how: str
) -> Float[Tensor, "heads anchors rows columns"]:
    """Sums or means over squares; those at the right and lower edge may be cut."""
    lower, right = (-side % block for side in maps.shape[2:])
    padded = F.pad(maps, (0, right, 0, lower))
    sums = F.avg_pool2d(padded, block, divisor_override=1)
    if how == "sum":
        return sums
    counts = F.pad(maps.new_ones(1, 1, *maps.shape[2:]), (0, right, 0, lower))
    return sums / F.avg_pool2d(counts, block, divisor_override=1)
