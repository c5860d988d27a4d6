"""Bootstrap over the samples of an evaluation: drawn with replacement, as many as there are.

Scores of a drawn set follow from how often each sample is in it, so nothing is evaluated again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEED = 0
"""Equal predictions have equal intervals, and two models are compared on the same draws."""


def times_drawn(samples: int, draws: int) -> NDArray[np.int64]:
    """How often each sample is in each drawn set, (draws, samples)."""
    drawn = np.random.default_rng(SEED).integers(samples, size=(draws, samples))
    return np.stack([np.bincount(row, minlength=samples) for row in drawn])


def middle(values: NDArray[np.floating]) -> tuple[float, float]:
    """The bounds of the middle 95 % of the scores of all draws, those that are NaN left out."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
