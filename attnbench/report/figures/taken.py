"""Which pixels of a figure are taken, and how many of them a box would cover.

Asking takes the same time however many things were drawn: a table holds, for each pixel, how many
pixels before it in both directions are taken, and a box is a difference of four of its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor

import numpy as np
from matplotlib.transforms import Bbox


class Taken:
    """The taken pixels of a figure. Boxes are in pixels, and are widened to whole ones."""

    def __init__(self, width: float, height: float, boxes: Iterable[Bbox] = ()) -> None:
        """A figure of that many pixels, in which these boxes are taken."""
        self._pixels = np.zeros((ceil(height), ceil(width)), dtype=bool)
        self._sums: np.ndarray | None = None
        for box in boxes:
            self.take(box)

    def take(self, box: Bbox) -> None:
        """Mark the pixels of the box."""
        x0, y0, x1, y1 = self._whole(box)
        self._pixels[y0:y1, x0:x1] = True
        self._sums = None

    def covered(self, box: Bbox) -> int:
        """How many taken pixels the box covers."""
        x0, y0, x1, y1 = self._whole(box)
        if x1 <= x0 or y1 <= y0:
            return 0
        sums = self._summed()
        return int(sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0])

    def _whole(self, box: Bbox) -> tuple[int, int, int, int]:
        height, width = self._pixels.shape
        x0, y0 = max(floor(box.x0), 0), max(floor(box.y0), 0)
        return x0, y0, max(min(ceil(box.x1), width), x0), max(min(ceil(box.y1), height), y0)

    def _summed(self) -> np.ndarray:
        if self._sums is None:
            rows = np.cumsum(self._pixels, axis=0, dtype=np.int64)
            self._sums = np.pad(np.cumsum(rows, axis=1), ((1, 0), (1, 0)))
        return self._sums
