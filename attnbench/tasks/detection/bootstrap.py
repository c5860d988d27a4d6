"""95 % intervals of AP and AP50 by bootstrap over pictures.

Detections and objects are paired within a picture, so they are paired once, and each drawn set is a
matter of weights (`scoring/bootstrap.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from attnbench.scoring.bootstrap import middle, times_drawn
from attnbench.scoring.precision import scores_of_draws
from attnbench.tasks.detection.matching import matches_of_class
from attnbench.tasks.detection.pictures import Picture

DRAWS = 400


def intervals_of(
    pictures: Sequence[Picture], num_classes: int
) -> Mapping[str, tuple[float, float]]:
    """The middle 95 % over resampled sets; nothing for a single picture or without objects.

    Args:
        pictures: in order.
        num_classes: classes to tell apart.
    """
    if len(pictures) < 2:
        return {}
    times = times_drawn(len(pictures), DRAWS)
    classes = [matches_of_class(pictures, label) for label in range(num_classes)]
    found = scores_of_draws(times, classes)
    return {name: middle(drawn) for name, drawn in found.items() if not np.isnan(drawn).all()}
