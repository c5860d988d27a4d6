from __future__ import annotations

import random

import pytest
from matplotlib.transforms import Bbox

from attnbench.report.figures.taken import Taken

WIDTH, HEIGHT = 23, 17


def a_box(rng):
    """A box of whole pixels, which may reach out of the figure."""
    x, y = rng.randint(-5, WIDTH + 3), rng.randint(-5, HEIGHT + 3)
    return Bbox.from_bounds(x, y, rng.randint(0, 9), rng.randint(0, 9))


def pixels(box):
    return {
        (x, y)
        for x in range(max(int(box.x0), 0), min(int(box.x1), WIDTH))
        for y in range(max(int(box.y0), 0), min(int(box.y1), HEIGHT))
    }


@pytest.mark.parametrize("seed", range(20))
def test_a_box_covers_as_many_taken_pixels_as_counting_tells(seed):
    rng = random.Random(seed)
    taken, known = Taken(WIDTH, HEIGHT), set()
    for _ in range(6):
        box = a_box(rng)
        taken.take(box)
        known |= pixels(box)
        asked = a_box(rng)
        assert taken.covered(asked) == len(known & pixels(asked))


def test_parts_of_a_pixel_count_as_the_whole():
    taken = Taken(WIDTH, HEIGHT, [Bbox.from_extents(2.9, 2.9, 3.1, 3.1)])
    assert taken.covered(Bbox.from_extents(0, 0, WIDTH, HEIGHT)) == 4
    assert taken.covered(Bbox.from_extents(2.0, 2.0, 2.1, 2.1)) == 1
    assert taken.covered(Bbox.from_extents(4.0, 4.0, 9.0, 9.0)) == 0
