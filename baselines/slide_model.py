"""Slide-Transformers: PVT or Swin, with slide attention in the first two stages.

Pan et al. 2023 (https://arxiv.org/abs/2304.04237).

- `SlidePvt` is PVT, version 1, with `slide` in place of spatial reduction at strides 4 and 8. Only
  this choice of stages meets both published sizes. The kernels are merged unless asked for two.
- `SlideSwin` is Swin as its configuration was released: two kernels, and windows of 56 × 56 tokens
  in the last two stages, at most the map that the model is built for. At 224 px these attend over
  the whole map, and the count is higher than published.
- `PublishedSlideSwin` has Swin's windows of 7 × 7 and one kernel, which is what was published.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from attnbench.attention.base import Attention
from attnbench.attention.factory import create_attention, placed_attention
from attnbench.spec import Grid
from baselines.pvt_model import PvtTrunk, reducing_attention
from baselines.staged import PATCH, Staged
from baselines.swin_model import PatchMerging

SLIDING_STAGES = 2


class SlidePvt(PvtTrunk):
    """A Slide-PVT for images whose sides are multiples of 32 px."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        depths: Sequence[int],
        merged: bool = True,
    ) -> None:
        """Build it; `merged` is that of `SlideAttention`, for the others see `PvtTrunk`."""

        def attention(stage: int, dim: int, heads: int) -> Attention:
            if stage < SLIDING_STAGES:
                return create_attention("slide", dim, heads, merged=merged)
            return reducing_attention(stage, dim, heads)

        super().__init__(num_classes, img_size, depths, attention)


class SlideSwin(Staged):
    """A Slide-Swin for images of any size; the one it is built for decides its windows."""

    shrink = PatchMerging
    largest_window: ClassVar[int] = 56
    merged: ClassVar[bool] = False

    @classmethod
    def attention(cls, dim: int, num_heads: int, stage: int, block: int, image: Grid) -> Attention:
        """Neighbourhoods, then windows."""
        if stage < SLIDING_STAGES:
            return create_attention("slide", dim, num_heads, merged=cls.merged)
        side = -(-max(image) // (PATCH * 2**stage))
        options = {"window_size": min(cls.largest_window, side)}
        return placed_attention("window", dim, num_heads, stage, block, options)


class PublishedSlideSwin(SlideSwin):
    """A Slide-Swin of the published cost."""

    largest_window = 7
    merged = True
