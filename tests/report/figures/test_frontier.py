"""Thousands of models are drawn by few artists, and nothing is left out unsaid."""

from __future__ import annotations

import pytest

from attnbench.analysis.tradeoff.frontier import dominated, joined
from attnbench.analysis.tradeoff.spots import MOST_LABELS
from attnbench.report.figures.frontier import MOST_HUES, frontier
from attnbench.report.figures.style import house_style
from attnbench.units import primary_score


def drawn(pairs, attention="dense"):
    points = [
        joined(f"m{i}", "other", attention.format(i), [1e9 * cost], [score])
        for i, (cost, score) in enumerate(pairs)
    ]
    with house_style():
        score = primary_score("classification")
        beaten = dominated(points)
        return frontier(points, beaten, "macs", score, hollow=beaten, title="t", subtitle="s")


def artists(figure):
    (axes,) = figure.axes
    return len(axes.lines) + len(axes.collections) + len(axes.texts)


def note(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


def names(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_a_tie_is_one_point_with_one_label():
    figure = drawn([(1, 0.5)] * 300)
    assert names(figure) == ["300 models: m0, … m2 and 297 more"]
    assert artists(figure) == artists(drawn([(1, 0.5)] * 75))
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [1, 1]


def test_ties_on_the_frontier_are_named_beside_the_others():
    pairs = [(1, 0.6), (1, 0.6), (2, 0.7), (2, 0.699)]
    assert names(drawn(pairs)) == ["2 models: m0, m1", "m2", "m3"]


@pytest.mark.parametrize("count", [160, 640])
def test_a_long_frontier_says_how_many_have_no_label(count):
    figure = drawn([(i, i / count) for i in range(1, count + 1)])
    assert len(names(figure)) == MOST_LABELS
    assert f"the {count - MOST_LABELS:,} others are named in models.csv" in note(figure)


def test_many_mechanisms_share_a_colour():
    figure = drawn([(i, i % 7) for i in range(1, 4 * MOST_HUES)], attention="a{}")
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "other" in texts
    assert len(texts) <= MOST_HUES + 3  # other, frontier, dominated
