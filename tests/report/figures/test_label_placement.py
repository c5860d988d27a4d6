from __future__ import annotations

from itertools import combinations

import pytest

from attnbench.report.figures import label_placement as labels
from attnbench.report.figures.style import house_style, open_figure, settle


@pytest.fixture
def axes():
    with house_style():
        figure, (axes,) = open_figure("title", "subtitle")
        axes.set(xlim=(0, 10), ylim=(0, 10))
        settle(figure)
        yield axes


def overlap(one, other):
    return min(one.x1, other.x1) > max(one.x0, other.x0) and min(one.y1, other.y1) > max(
        one.y0, other.y0
    )


@pytest.mark.parametrize(
    "positions",
    [
        [(5, 5), (5.1, 5), (5, 5.1), (5.2, 5.2)],
        [(5, 5)] * 4,
        [(9.9, 9.9), (9.8, 9.7), (0.1, 0.1)],
        [(2 + i % 4, 3 + i // 4) for i in range(12)],
    ],
)
def test_names_cover_neither_each_other_nor_points_nor_the_border(axes, positions):
    names = [f"model number {i}" for i in range(len(positions))]
    placed = labels.place(axes, names, positions)
    boxes = [label.get_window_extent() for label in placed]
    assert not any(overlap(a, b) for a, b in combinations(boxes, 2))
    points = [labels._around(axes, position) for position in positions]
    assert not any(overlap(box, point) for box in boxes for point in points)
    inside = axes.get_window_extent()
    assert all(inside.x0 <= b.x0 and b.x1 <= inside.x1 for b in boxes)
    assert all(inside.y0 <= b.y0 and b.y1 <= inside.y1 for b in boxes)


def test_every_point_is_named(axes):
    placed = labels.place(axes, ["b", "a"], [(9, 1), (1, 9)])
    assert {label.get_text(): tuple(label.xy) for label in placed} == {"a": (1, 9), "b": (9, 1)}
