"""Focal Transformer: Swin's trunk with `focal` attention, and no shift of windows.

Yang et al. 2021 (https://arxiv.org/abs/2107.00641), with one pooled level. A stage whose map fits
into one window has no ring around it, which decides its number of parameters: at 224 px this is
the last stage. Any other image size works too; see `attention/focal.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from attnbench.attention.base import Attention
from attnbench.attention.factory import placed_attention
from attnbench.models.block import Block
from attnbench.spec import Grid
from baselines.staged import PATCH, Stage, Staged
from baselines.swin_model import HEAD_WIDTH, PatchMerging

WINDOW = 7


class Focal(Staged):
    """A Focal Transformer for images of any size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        dim: int,
        depths: Sequence[int],
    ) -> None:
        """Build it; `img_size` decides which stages have a ring around their windows."""
        sides = (img_size, img_size) if isinstance(img_size, int) else img_size
        stages = [_stage(dim, index, depth, sides) for index, depth in enumerate(depths)]
        super().__init__(num_classes, stages, dim)


def _stage(first_dim: int, index: int, depth: int, image: Grid) -> Stage:
    dim, stride = first_dim * 2**index, PATCH * 2**index
    ring = max(image) > WINDOW * stride
    merging = PatchMerging(dim // 2) if index else nn.Identity()
    return Stage(merging, [Block(_attention(dim, index, b, ring=ring)) for b in range(depth)])


def _attention(dim: int, stage: int, block: int, *, ring: bool) -> Attention:
    options = {"window_size": WINDOW, "ring": ring}
    return placed_attention("focal", dim, dim // HEAD_WIDTH, stage, block, options)
