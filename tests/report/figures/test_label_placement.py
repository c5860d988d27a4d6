from __future__ import annotations

import random
from itertools import combinations

import pytest
from matplotlib.transforms import Bbox

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


@pytest.mark.parametrize("seed", range(5))
def test_labels_with_room_cover_neither_each_other_nor_obstacles(axes, seed):
    rng = random.Random(seed)
    cells = [(1 + 2 * (i % 4), 1 + 2 * (i // 4)) for i in range(13)]
    positions = [(x + rng.random(), y + rng.random()) for x, y in cells]
    corners = [axes.transData.transform((9 * rng.random(), 9 * rng.random())) for _ in range(7)]
    blocked = [Bbox.from_bounds(x, y, 9, 9) for x, y in corners]
    placed = labels.place(axes, [f"m{i}" for i in range(13)], positions, blocked)
    boxes = [label.get_window_extent() for label in placed]
    assert not any(overlap(a, b) for a, b in combinations(boxes, 2))
    assert not any(overlap(box, other) for box in boxes for other in blocked)


def test_a_label_is_where_it_was_reckoned_to_be(axes, monkeypatch):
    reckoned, settle_label = [], labels._settle

    def listen(*given):
        reckoned.append(settle_label(*given))
        return reckoned[-1]

    monkeypatch.setattr(labels, "_settle", listen)
    placed = labels.place(axes, ["model"] * 9, [(5, 5)] * 9)
    for (_, box), label in zip(reckoned, placed, strict=True):
        assert box.extents == pytest.approx(label.get_window_extent().extents, abs=1e-6)


def test_the_work_for_a_label_does_not_grow_with_what_is_drawn(axes, monkeypatch):
    """Where nothing is free, each label tries all positions: no more with four times as many."""

    def tries(count):
        calls, cost = [], labels._cost
        with monkeypatch.context() as patched:
            patched.setattr(labels, "_cost", lambda *given: calls.append(1) or cost(*given))
            everything = [axes.get_window_extent()] * count
            labels.place(axes, ["model"] * 3, [(5, 5)] * 3, everything)
        return len(calls)

    assert tries(400) == tries(100) == 3 * len(labels.DISTANCES) * len(labels.DIRECTIONS)
