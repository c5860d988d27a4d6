"""How much of a map lies inside the boxes of the objects, beside a map that knows nothing.

- pointing game (Zhang et al. 2016, https://arxiv.org/abs/1608.00507): share of the maps whose
  highest pixel is inside a box, without a margin around it;
- energy (Wang et al. 2020, https://arxiv.org/abs/1910.01279): share of a map's sum that is inside.

Maps are brought to the size of the image bilinearly. A map without any positive value points
nowhere: it counts as a miss, and as no energy inside. The control is a Gaussian in the middle of
the image, because photographers put objects there. Intervals are 95 %, by bootstrap over pictures;
the differences are taken picture by picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from attnbench.records.explanation import Estimate, InBoxes
from attnbench.scoring.bootstrap import middle, times_drawn
from attnbench.spec import Grid

DRAWS = 2000
SPREAD = 1 / 4
"""Standard deviation of the Gaussian, as a share of each side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What one map has inside the boxes of one picture."""

    points: bool
    energy: float


def full_size(maps: Float[Tensor, "images rows columns"], image: Grid) -> Tensor:
    """Maps at (height, width) pixels of the image, (images, height, width)."""
    return F.interpolate(maps[:, None], size=image, mode="bilinear", align_corners=False)[:, 0]


def centred_gaussian(image: Grid) -> Float[Tensor, "height width"]:
    """The control."""
    rows, columns = (
        torch.exp(-(((torch.arange(side) + 0.5) / side - 0.5) ** 2) / (2 * SPREAD**2))
        for side in image
    )
    return rows[:, None] * columns[None, :]


def covered(boxes: Float[Tensor, "boxes 4"], image: Grid) -> Tensor:
    """The pixels whose middles are inside a box, bool (height, width); boxes x1, y1, x2, y2."""
    y, x = (torch.arange(side) + 0.5 for side in image)
    left, top, right, bottom = (boxes.cpu()[:, i, None] for i in range(4))
    across, down = (left <= x) & (x < right), (top <= y) & (y < bottom)
    return (down[:, :, None] & across[:, None, :]).any(0)


def inside(map_: Float[Tensor, "height width"], mask: Tensor) -> Inside:
    """What a map has inside a mask of its size."""
    total = float(map_.double().sum())
    if total <= 0:
        return Inside(points=False, energy=0.0)
    return Inside(
        points=bool(mask.flatten()[map_.argmax()]),
        energy=float(map_.double()[mask].sum()) / total,
    )


def in_boxes(found: Sequence[Inside], control: Sequence[Inside]) -> InBoxes:
    """Means over pictures, at least one; both sequences are of the same pictures."""
    points, energy = _numbers(found)
    control_points, control_energy = _numbers(control)
    drawn = times_drawn(len(found), DRAWS)
    return InBoxes(
        pictures=len(found),
        pointing=_estimate(points, drawn),
        energy=_estimate(energy, drawn),
        pointing_gain=_estimate(points - control_points, drawn),
        energy_gain=_estimate(energy - control_energy, drawn),
    )


def _numbers(found: Sequence[Inside]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = np.array([one.points for one in found], np.float64)
    return points, np.array([one.energy for one in found], np.float64)


def _estimate(values: NDArray[np.float64], drawn: NDArray[np.int64]) -> Estimate:
    low, high = middle(drawn @ values / len(values))
    return Estimate(value=float(values.mean()), low=low, high=high)
