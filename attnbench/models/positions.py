"""Learned positions for a token grid of another size than that they were learned for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from attnbench.spec import Grid


def resample_positions(
    positions: Float[Tensor, "1 tokens dim"], learned: Grid, wanted: Grid, num_prefix_tokens: int
) -> Float[Tensor, "1 new_tokens dim"]:
    """Interpolate bicubically with antialiasing, as timm's `resample_abs_pos_embed`.

    Args:
        positions: one per token, those of prefix tokens first; they stay as they are.
        learned: the grid that the positions were learned for.
        wanted: the grid that they are needed for; if it is `learned`, nothing is computed.
        num_prefix_tokens: class and distillation tokens.
    """
    if wanted == learned:
        return positions
    prefix, of_grid = positions[:, :num_prefix_tokens], positions[:, num_prefix_tokens:]
    # Contiguous: torch 2.15 interpolates channels-last maps wrongly when the width becomes 1.
    image = of_grid.float().transpose(1, 2).unflatten(2, learned).contiguous()
    image = F.interpolate(image, size=wanted, mode="bicubic", antialias=True)
    return torch.cat([prefix, image.flatten(2).transpose(1, 2).to(positions.dtype)], dim=1)
