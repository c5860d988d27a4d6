"""95 % intervals of segmentation scores by bootstrap over pictures.

The pixels of the pictures that were drawn are added up (`scoring/bootstrap.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from attnbench.scoring.bootstrap import middle, times_drawn
from attnbench.scoring.overlap import scores_of_draws

DRAWS = 1000


def intervals_of(pixels: NDArray[np.integer]) -> Mapping[str, tuple[float, float]]:
    """The middle 95 % of mIoU and mAcc over resampled sets.

    Nothing for a single picture, nor where no pixel is known.

    Args:
        pixels: of each class in each picture, see `scoring.overlap`.
    """
    if len(pixels) < 2:
        return {}
    found = scores_of_draws(times_drawn(len(pixels), DRAWS), pixels)
    return {name: middle(drawn) for name, drawn in found.items() if not np.isnan(drawn).all()}
