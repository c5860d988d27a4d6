"""Focal Transformer: Swin's trunk with `focal` attention, and no shift of windows.

Yang et al. 2021 (https://arxiv.org/abs/2107.00641), with one pooled level. A stage whose map fits
into one window has no ring around it, which decides its number of parameters: at 224 px this is
the last stage. Any other image size works too; see `attention/focal.py`.
"""

from __future__ import annotations

from attnbench.attention.base import Attention
from attnbench.attention.factory import placed_attention
from attnbench.spec import Grid
from baselines.staged import PATCH, Staged
from baselines.swin_model import PatchMerging

WINDOW = 7


class Focal(Staged):
    """A Focal Transformer for images of any size; the one it is built for decides its rings."""

    shrink = PatchMerging

    @staticmethod
    def attention(dim: int, num_heads: int, stage: int, block: int, image: Grid) -> Attention:
        """Windows with a ring around them where the map is larger than one."""
        ring = max(image) > WINDOW * PATCH * 2**stage
        options = {"window_size": WINDOW, "ring": ring}
        return placed_attention("focal", dim, num_heads, stage, block, options)
