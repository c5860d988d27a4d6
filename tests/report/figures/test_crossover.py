from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.report.figures.colours import lines_of
from attnbench.report.figures.crossover import comparable, speed_ups
from attnbench.report.figures.style import house_style

SIDES = (8, 16, 32)


def records(layer, seconds_of):
    """Dense is quadratic; the others as told, all of a size in the same rounds."""
    laws = {"dense": lambda n: 1e-9 * n**2, **seconds_of}
    return [
        layer(name, side, law(side**2), rounds=f"r{side}")
        for side in SIDES
        for name, law in laws.items()
    ]


def drawn(layers):
    rows = comparable(layers)
    with house_style():
        return speed_ups(rows, lines_of(rows), title="a title", subtitle="a subtitle")


def rings(figure):
    """Places of the markers of crossings: lines of a single point at 1."""
    lines = [line for line in figure.axes[0].lines if list(line.get_ydata()) == [1.0]]
    return [line.get_xdata()[0] for line in lines]


def legend_of(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.fixture
def layers(layer):
    laws = {
        "window": lambda n: 2e-7 * n,
        "anchor": lambda n: 1e-8 * n,
        "sparse": lambda n: 2e-9 * n**2,
    }
    return build(records(layer, laws)).layers


def test_a_ring_marks_where_a_line_passes_one(layers):
    assert rings(drawn(layers)) == pytest.approx([200])


def test_the_legend_says_from_where_on_each_is_ahead(layers):
    assert legend_of(drawn(layers)) == [
        "anchor (reference), always ahead",
        "window (reference), ahead from 200",
        "sparse (reference), never ahead",
    ]


def test_no_ring_and_no_word_rests_on_cells_graded_c(layer):
    cells = records(layer, {"window": lambda n: 2e-7 * n})
    few = [replace(cell, latency=replace(cell.latency, samples_s=cell.latency.samples_s[:3]))
           if cell.workload.attention == "window" else cell for cell in cells]  # fmt: skip
    figure = drawn(build(few).layers)
    assert rings(figure) == []
    assert legend_of(figure) == ["window (reference), not measured well enough"]
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == len(SIDES)]
    assert [line.get_linestyle() for line in lines] == ["None"]


def test_the_line_at_one_is_always_in_sight(layer):
    figure = drawn(build(records(layer, {"anchor": lambda n: 1e-12 * n})).layers)
    low, high = figure.axes[0].get_ylim()
    assert low < 1 < high


def test_dense_and_single_sizes_are_not_compared(layer, layers):
    assert "dense" not in set(comparable(layers)["attention"])
    lonely = build([layer("dense", 8), layer("window", 8)]).layers
    assert comparable(lonely).empty
