"""CSWin: four stages of cross-shaped windows; overlapping convolutions shrink the map.

Dong et al. 2022 (https://arxiv.org/abs/2107.00652), built from `cswin` attention. A 7 × 7
convolution of stride 4 makes the first map, one of 3 × 3 and stride 2 each further one, with twice
the channels; a norm follows each. Stripes are 1, 2 and 7 tokens wide, and the last stage attends
over its whole map. Positions come from the convolution inside of the attention, so any input size
works; see `cswin_attention.py` for those that the authors' code refuses. Images are padded at the
bottom and right to multiples of 4 px.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention
from attnbench.attention.factory import placed_attention
from attnbench.spec import Grid
from baselines.staged import PatchEmbed, Staged


class OverlappingEmbed(PatchEmbed):
    """Patches of 7 × 7 pixels, at every fourth."""

    kernel_size = 7
    padding = 2


class Shrink(nn.Module):
    """A 3 × 3 convolution at every second token, to twice the width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, 2 * dim, kernel_size=3, stride=2, padding=1)
        self.norm = nn.LayerNorm(2 * dim)

    def forward(
        self, image: Float[Tensor, "batch rows columns dim"]
    ) -> Float[Tensor, "batch new_rows new_columns new_dim"]:
        """Convolve and norm; sides are halved and rounded up."""
        return self.norm(self.conv(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))


class CSwin(Staged):
    """A CSWin for images of any size."""

    embed = OverlappingEmbed
    shrink = Shrink

    @staticmethod
    def attention(dim: int, num_heads: int, stage: int, block: int, image: Grid) -> Attention:
        """The stripes of the stage."""
        return placed_attention("cswin", dim, num_heads, stage, block, {})
