"""Learned tables over a grid of tokens, for a grid of another size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from attnbench.attention.base import statistics_dtype
from attnbench.spec import Grid


def resized(
    table: Float[Tensor, "rows tokens"], learned: Grid, wanted: Grid, num_prefix_tokens: int = 0
) -> Float[Tensor, "rows new_tokens"]:
    """Interpolate each row bilinearly.

    Args:
        table: a number for each token; prefix tokens come first, and keep theirs.
        learned: the grid that the table is for.
        wanted: the grid that it is needed for; if it is `learned`, nothing is computed.
        num_prefix_tokens: class tokens.
    """
    if wanted == learned:
        return table
    prefix, of_grid = table[:, :num_prefix_tokens], table[:, num_prefix_tokens:]
    image = of_grid.to(statistics_dtype(table)).unflatten(1, learned)[None]
    image = F.interpolate(image, size=wanted, mode="bilinear", align_corners=False)
    new = image[0].flatten(1).to(table.dtype)
    return torch.cat([prefix, new], dim=1) if num_prefix_tokens else new
