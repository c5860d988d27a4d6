"""What only anchors have: where each one gathers, and the attention that they imply for a token.

In one layer, A (tokens × anchors) says to which anchors a token is assigned, in each head. Column j
of A is where anchor j gathers, and its sum, the degree, how much it receives. Row i of
S = A Δ⁻¹ Aᵀ is the attention that token i pays to all others by way of the anchors; the layer never
forms it. S is symmetric, so the row is what `markov_step` makes of the token's unit vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.anchor import markov_step
from attnbench.errors import UserError
from attnbench.explain.anchor_use import Assignment, assignments
from attnbench.spec import Grid

MOST_LAYERS = 4
"""Layers that are drawn of a trunk with one grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorMaps:
    """One layer, on one image."""

    layer: str
    gathers: Float[Tensor, "heads anchors height width"]
    """A, without prefix tokens."""
    shares: Float[Tensor, "heads anchors"]
    """The degrees as shares of a head's mass, prefix tokens included."""
    token: Grid
    """(row, column)."""
    implied: Float[Tensor, "height width"]
    """The token's row of S, mean over heads, without prefix tokens."""


def anchor_maps(
    model: nn.Module,
    image: Float[Tensor, "1 channels height width"],
    token: Grid | None = None,
) -> list[AnchorMaps]:
    """The layers to draw: the last at each resolution, or four of a trunk with one.

    Args:
        model: in evaluation mode.
        image: normalised.
        token: row and column in the grid of the first layer with anchors, from 0; coarser layers
            take the token at the same place. None for the middle.

    Raises:
        UserError: the model has no anchors, or the token is outside the grid.
    """
    found = assignments(model, image)
    first = next(iter(found.values())).grid
    row, column = token if token is not None else (first[0] // 2, first[1] // 2)
    if not (0 <= row < first[0] and 0 <= column < first[1]):
        raise UserError(
            f"--token: expected a row from 0 to {first[0] - 1} and a column from 0 to "
            f"{first[1] - 1}, got {row},{column}"
        )
    return [
        _maps(name, found[name], _moved((row, column), first, found[name].grid))
        for name in drawn_layers(found)
    ]


def _moved(token: Grid, grid: Grid, other: Grid) -> Grid:
    """The token of another grid at the same place of the image."""
    return token[0] * other[0] // grid[0], token[1] * other[1] // grid[1]


def drawn_layers(found: dict[str, Assignment]) -> Sequence[str]:
    """The names of the layers to draw: the last at each resolution, or four of one."""
    last = {one.grid: name for name, one in found.items()}
    if len(last) > 1:
        return list(last.values())
    names = list(found)
    count = min(MOST_LAYERS, len(names))
    return [names[(place + 1) * len(names) // count - 1] for place in range(count)]


def _maps(name: str, found: Assignment, token: Grid) -> AnchorMaps:
    matrix, prefix = found.matrix[0], found.num_prefix_tokens  # (heads, tokens, anchors)
    one_hot = torch.zeros(1, matrix.shape[0], matrix.shape[1], 1, dtype=matrix.dtype)
    one_hot[..., prefix + token[0] * found.grid[1] + token[1], :] = 1
    row = markov_step(found.matrix, one_hot)[0, :, prefix:, 0].mean(0)
    degrees = matrix.sum(1)
    return AnchorMaps(
        layer=name,
        gathers=matrix[:, prefix:].transpose(1, 2).unflatten(2, found.grid),
        shares=degrees / degrees.sum(1, keepdim=True),
        token=token,
        implied=row.unflatten(0, found.grid),
    )
