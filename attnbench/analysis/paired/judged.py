"""The score of one run, and how the choice of the held-out images moves it.

The movement is a vector: its squared length is the variance of the score over images. Runs that
were judged on the same images move together, so the variance of a difference of scores is the
squared length of the difference of their vectors. For accuracies the vector has an entry for each
image; for AP and mIoU, which are no means over images, one for each draw of a bootstrap, and all
runs are scored on the same draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from attnbench.scoring import overlap, precision
from attnbench.scoring.bootstrap import times_drawn
from attnbench.scoring.outcomes import Outcomes, matches_of

Floats = NDArray[np.float64]
DRAWS = {"boxes": 400, "pixels": 1000}
"""Draws of the bootstrap."""
MANY_IMAGES, DRAWS_OF_MANY = 1000, 100
"""Precision over COCO's detections takes a tenth of a second a draw. The number of draws follows
from that of the images alone: all runs on them are scored on the same draws."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """A run on its held-out images."""

    samples: str
    """Hash of the images and what is true of them: equal ones can be compared."""
    images: int
    score: float
    """The primary score: top-1, AP or mIoU."""
    moves: Floats
    """See the module."""
    right: NDArray[np.bool_] | None = None
    """Whether each image is classified correctly, (images,); None for other tasks."""


def judged(outcomes: Outcomes) -> Judged | None:
    """The score and its movement; None without two images, or where no score is defined."""
    if len(outcomes.images) < 2:
        return None
    samples, images = outcomes.samples_sha256, len(outcomes.images)
    if outcomes.kind == "classes":
        right = outcomes.arrays["truth"] == outcomes.arrays["found"]
        share = float(right.mean())
        moves = (right - share) / sqrt(images * (images - 1))
        return Judged(samples=samples, images=images, score=share, moves=moves, right=right)
    once = np.ones((1, images), dtype=np.int64)
    (score,) = _scores(outcomes, once)
    draws = DRAWS[outcomes.kind] if images <= MANY_IMAGES else DRAWS_OF_MANY
    drawn = _scores(outcomes, times_drawn(images, draws))
    drawn = drawn[~np.isnan(drawn)]  # equal truth: the same draws for every run
    if np.isnan(score) or len(drawn) < 2:
        return None
    moves = (drawn - drawn.mean()) / sqrt(len(drawn) - 1)
    return Judged(samples=samples, images=images, score=float(score), moves=moves)


def _scores(outcomes: Outcomes, times: NDArray[np.int64]) -> Floats:
    """The primary score of each draw."""
    if outcomes.kind == "boxes":
        return precision.scores_of_draws(times, matches_of(outcomes))["ap"]
    return overlap.scores_of_draws(times, outcomes.arrays["pixels"])["miou"]
