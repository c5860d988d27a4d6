"""The k × k tokens around each on a map, as a block mask for FlexAttention."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from attnbench.kernels.softmax.flex import block_mask
from attnbench.spec import Grid


def neighbour_blocks(grid: Grid, kernel_size: int, device: torch.device) -> Any:
    """Windows that stay on the map, by arithmetic on the places, so that no table is kept."""
    height, width = grid

    def near(i: Tensor, j: Tensor) -> Tensor:
        rows = _in_window(i // width, j // width, height, kernel_size)
        return rows & _in_window(i % width, j % width, width, kernel_size)

    return block_mask(near, height * width, device)


def _in_window(place: Tensor, other: Tensor, side: int, kernel_size: int) -> Tensor:
    """Whether the other place of a line is in the window of the first."""
    keys = min(kernel_size, side)
    first = (place - kernel_size // 2).clamp(0, side - keys)
    return (first <= other) & (other < first + keys)
