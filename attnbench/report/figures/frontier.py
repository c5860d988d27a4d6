"""Figure of score against cost: a line of the best means, and hollow points that surely are beaten.

Models of equal cost and score are one spot. Spots of one colour are drawn together, and where they
are many, as pixels: the size of the file must not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from attnbench.analysis.tradeoff.frontier import Point
from attnbench.analysis.tradeoff.spots import Spot, labelled, spots_of, unlabelled_remark
from attnbench.report.figures import label_placement as labels
from attnbench.report.figures.colours import FAMILIES, OTHER, hue_of, style_of
from attnbench.report.figures.lettering import drawable
from attnbench.report.figures.style import open_figure, scale_axis, settle
from attnbench.units import METRICS, Metric

FOOTNOTE = (
    "Higher scores and lower costs are better. The line joins the best means. A hollow point is "
    "dominated: by the intervals another model scores higher at no higher cost, or no worse at a "
    "lower one."
)
MOST_HUES = 20
"""More colours could not be told apart; mechanisms beyond share the colour of `OTHER`."""
DRAWN_AS_PIXELS_FROM = 2000
"""Points from which markers are drawn as pixels: as shapes they would take megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Converts base units to the units of the axes."""

    x: float
    y: float

    def at(self, cost: float, score: float) -> tuple[float, float]:
        """The coordinates of a cost and a score."""
        return cost * self.x, score * self.y


def frontier(
    points: Sequence[Point],
    beaten: Sequence[bool],
    metric: str,
    score: Metric,
    *,
    hollow: Sequence[bool],
    title: str,
    subtitle: str,
) -> Figure:
    """A point per model or per tie of models, with labels, and the frontier as a step line.

    Args:
        points: the models.
        beaten: which of them are below the line, by their means.
        metric: the cost.
        score: the primary score.
        hollow: which of them are dominated, by their intervals.
        title: of the figure.
        subtitle: what the models share.
    """
    spots = spots_of(points, beaten)
    note = " ".join(filter(None, (FOOTNOTE, unlabelled_remark(spots))))
    figure, (axes,) = open_figure(title, subtitle, note, height=4.6)
    draw_frontier(axes, points, beaten, metric, score, hollow)
    settle(figure)
    label_frontier(axes, points, beaten, metric, score)
    return figure


def draw_frontier(
    axes: Axes,
    points: Sequence[Point],
    beaten: Sequence[bool],
    metric: str,
    score: Metric,
    hollow: Sequence[bool],
) -> None:
    """The points, the frontier and the legend on given axes, without the names of the models."""
    scale = Scale(x=METRICS[metric].scale, y=score.scale)
    steps = _steps([spot for spot in spots_of(points, beaten) if not spot.is_beaten], scale)
    axes.plot(*zip(*steps, strict=True), color="#999999", linewidth=1.4, zorder=2)
    hues = _hues(points)
    _draw_points(axes, points, hollow, hues, scale)
    scale_axis(axes, "x", [point.cost * scale.x for point in points])
    axes.yaxis.set_major_locator(MaxNLocator(7))
    axes.margins(x=0.16, y=0.14)
    axes.set(xlabel=METRICS[metric].axis_label, ylabel=score.axis_label)
    _legend(axes, hues, any(hollow))


def label_frontier(
    axes: Axes, points: Sequence[Point], beaten: Sequence[bool], metric: str, score: Metric
) -> None:
    """The names of the models beside their points; the layout must not change afterwards."""
    spots, scale = spots_of(points, beaten), Scale(x=METRICS[metric].scale, y=score.scale)
    steps = _steps([spot for spot in spots if not spot.is_beaten], scale)
    named = labelled(spots)
    labels.place(
        axes,
        [drawable(spot.name) for spot in named],
        [scale.at(spot.cost, spot.score) for spot in named],
        obstacles=[*_segments(axes, steps), *_whiskers(axes, points, scale)],
    )


def _steps(best: Sequence[Spot], scale: Scale) -> list[tuple[float, float]]:
    """Corners of the step line of the best score up to each cost, in axis units."""
    corners: list[tuple[float, float]] = []
    for spot in sorted(best, key=lambda s: (s.cost, s.score)):
        here = scale.at(spot.cost, spot.score)
        if corners:
            corners.append((here[0], corners[-1][1]))
        corners.append(here)
    return corners


def _hues(points: Sequence[Point]) -> list[str]:
    """The hue of each point; those beyond `MOST_HUES` are `OTHER`."""
    hues = [hue_of(point.family, point.attention) for point in points]
    shown = set(_in_order(set(hues))[:MOST_HUES])
    return [hue if hue in shown else OTHER for hue in hues]


def _in_order(hues: set[str]) -> list[str]:
    return [hue for hue in FAMILIES if hue in hues] + sorted(hues - set(FAMILIES))


def _draw_points(
    axes: Axes, points: Sequence[Point], hollow: Sequence[bool], hues: Sequence[str], scale: Scale
) -> None:
    """Draw markers and whiskers, all of one look at once."""
    alike: dict[tuple[str, bool], list[Point]] = {}
    for point, hue, is_hollow in zip(points, hues, hollow, strict=True):
        alike.setdefault((hue, is_hollow), []).append(point)
    for (hue, is_hollow), members in alike.items():
        color, marker = style_of(hue)
        _draw_whiskers(axes, [p for p in members if p.interval], color, is_hollow, scale)
        # A tie is drawn once: fainter markers on top of each other would look filled.
        at = sorted({scale.at(point.cost, point.score) for point in members})
        axes.plot(
            *zip(*at, strict=True), linestyle="none", marker=marker, markersize=8,
            markeredgewidth=1.6, color=color, markerfacecolor="white" if is_hollow else color,
            alpha=0.65 if is_hollow else 1.0, zorder=4,
            rasterized=len(points) >= DRAWN_AS_PIXELS_FROM,
        )  # fmt: skip


def _draw_whiskers(
    axes: Axes, points: Sequence[Point], color: str, is_hollow: bool, scale: Scale
) -> None:
    if not points:
        return
    x, y = np.transpose([scale.at(point.cost, point.score) for point in points])
    half_widths = [(p.interval[1] - p.interval[0]) / 2 * scale.y for p in points if p.interval]
    axes.errorbar(
        x, y, yerr=half_widths, fmt="none", ecolor=color, alpha=0.5 if is_hollow else 1.0,
        elinewidth=1.2, capsize=3, zorder=3, rasterized=len(points) >= DRAWN_AS_PIXELS_FROM,
    )  # fmt: skip


def _legend(axes: Axes, hues: Sequence[str], some_are_hollow: bool) -> None:
    handles = [
        Line2D(
            [], [], linestyle="none", marker=marker, color=color, markersize=7, label=drawable(hue)
        )
        for hue, (color, marker) in ((hue, style_of(hue)) for hue in _in_order(set(hues)))
    ]
    handles.append(Line2D([], [], color="#999999", linewidth=1.4, label="best means"))
    if some_are_hollow:
        handles.append(
            Line2D([], [], linestyle="none", marker="o", color="#777777", markersize=7,
                   markerfacecolor="white", markeredgewidth=1.6, label="dominated")
        )  # fmt: skip
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False,
        borderaxespad=0.0,
    )  # fmt: skip


def _segments(axes: Axes, steps: Sequence[tuple[float, float]]) -> list[Bbox]:
    pixels = axes.transData.transform(steps).tolist()
    return [_box(*start, *end) for start, end in pairwise(pixels)]


def _whiskers(axes: Axes, points: Sequence[Point], scale: Scale) -> list[Bbox]:
    """The areas of all markers and whiskers; equal ones once."""
    found = {
        (point.cost, *(point.interval or (point.score, point.score))): None for point in points
    }
    low = [scale.at(cost, bottom) for cost, bottom, _ in found]
    high = [scale.at(cost, top) for cost, _, top in found]
    ends = np.hstack([axes.transData.transform(side) for side in (low, high)]).tolist()
    return [_box(*corners).padded(4.0) for corners in ends]


def _box(x0: float, y0: float, x1: float, y1: float) -> Bbox:
    """The box with these corners, two pixels wider on each side."""
    return Bbox.from_extents(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)).padded(2.0)
