"""Token grids: the (height, width) of a token count or of an image."""

from __future__ import annotations

from math import isqrt

from attnbench.errors import UserError
from attnbench.spec.validation import pair_within, within

Grid = tuple[int, int]

MAX_ASPECT_RATIO = 2.0
"""Longest token grid on offer; images of vision transformers are not longer."""


def grid_of(num_tokens: int) -> Grid:
    """The squarest (height, width) with that many tokens.

    Raises:
        UserError: no grid with an aspect ratio up to 2 has that many tokens; the nearest token
            counts that have one are named.
    """
    within(n_tokens=num_tokens)
    grid = _squarest(num_tokens)
    if not _is_useful(grid):
        below, above = (_nearest_useful(num_tokens, step) for step in (-1, 1))
        raise UserError(
            f"--n-tokens {num_tokens} has no useful grid (its squarest is {grid[0]} × {grid[1]}); "
            + "the nearest that have one: "
            + ", ".join(f"{h * w} ({h} × {w})" for h, w in (below, above))
        )
    return grid


def grid_of_image(resolution: tuple[int, int], patch: int) -> Grid:
    """The token grid of an image of (height, width) pixels cut into square patches."""
    pair_within(resolution=resolution)
    within(patch=patch)
    for side in resolution:
        if side % patch:
            low, high = side // patch * patch, (side // patch + 1) * patch
            nearest = f"{low} or {high}" if low else f"{high}"
            raise UserError(
                f"--resolution {side} is no multiple of --patch {patch}; nearest: {nearest}"
            )
    return resolution[0] // patch, resolution[1] // patch


def _squarest(num_tokens: int) -> Grid:
    height = next(h for h in range(isqrt(num_tokens), 0, -1) if num_tokens % h == 0)
    return height, num_tokens // height


def _is_useful(grid: Grid) -> bool:
    return grid[1] <= MAX_ASPECT_RATIO * grid[0]


def _nearest_useful(num_tokens: int, step: int) -> Grid:
    while not _is_useful(_squarest(num_tokens)):
        num_tokens += step
    return _squarest(num_tokens)
