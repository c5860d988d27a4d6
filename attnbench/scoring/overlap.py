"""Mean IoU and mean accuracy of drawn pictures, from the pixels of each class in each picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def scores_of_draws(times: NDArray[np.integer], pixels: NDArray[np.integer]) -> dict[str, Floats]:
    """MIoU and mAcc of each draw, (draws,); NaN for a draw without known pixels.

    Pixels are added up over a draw before they are divided.

    Args:
        times: how often each picture counts, (draws, pictures).
        pixels: of each class in each picture, (pictures, classes, 3): those that are of the class
            and found to be, those that are of it, and those that are found to be of it.
    """
    pictures, classes, _ = pixels.shape
    totals = times.astype(np.float64) @ pixels.reshape(pictures, -1).astype(np.float64)
    both, there, found = totals.reshape(len(times), classes, 3).transpose(2, 0, 1)
    return {"miou": _mean_share(both, there + found - both), "macc": _mean_share(both, there)}


def _mean_share(part: Floats, whole: Floats) -> Floats:
    """The mean over the classes that have any pixels, (draws,)."""
    known = whole > 0
    shares = np.divide(part, whole, out=np.zeros_like(part), where=known)
    count = known.sum(axis=1)
    return np.divide(shares.sum(axis=1), count, out=np.full(len(part), np.nan), where=count > 0)
