"""Figure of score against cost; points on the Pareto frontier are filled, dominated ones hollow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from attnbench.analysis.tradeoff.frontier import Point
from attnbench.report.figures import label_placement as labels
from attnbench.report.figures.colours import FAMILIES, hue_of, style_of
from attnbench.report.figures.lettering import drawable
from attnbench.report.figures.style import open_figure, scale_axis, settle
from attnbench.units import METRICS, Metric

FOOTNOTE = (
    "Higher scores and lower costs are better. A hollow point is dominated: another model scores "
    "at least as well at no higher cost, and is better in one of the two."
)
NAMED_UP_TO = 40
"""With more points, only those on the frontier are labelled: more labels would cover the data."""

MOST_HUES = 14
"""Mechanisms in the legend: more would be higher than the figure."""


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
    title: str,
    subtitle: str,
) -> Figure:
    """A labelled point per model, and the frontier as a step line."""
    figure, (axes,) = open_figure(title, subtitle, FOOTNOTE, height=4.6)
    scale = Scale(x=METRICS[metric].scale, y=score.scale)
    steps = _steps([p for p, is_beaten in zip(points, beaten, strict=True) if not is_beaten], scale)
    axes.plot(*zip(*steps, strict=True), color="#999999", linewidth=1.4, zorder=2)
    for point, is_beaten in zip(points, beaten, strict=True):
        _draw_point(axes, point, is_beaten, scale)
    scale_axis(axes, "x", [point.cost * scale.x for point in points])
    axes.yaxis.set_major_locator(MaxNLocator(7))
    axes.margins(x=0.16, y=0.14)
    axes.set(xlabel=METRICS[metric].axis_label, ylabel=score.axis_label)
    _legend(axes, points, beaten)
    settle(figure)
    _name_points(axes, points, beaten, steps, scale)
    return figure


def _steps(best: Sequence[Point], scale: Scale) -> list[tuple[float, float]]:
    """Corners of the step line of the best score up to each cost, in axis units."""
    corners: list[tuple[float, float]] = []
    for point in sorted(best, key=lambda p: (p.cost, p.score)):
        here = scale.at(point.cost, point.score)
        if corners:
            corners.append((here[0], corners[-1][1]))
        corners.append(here)
    return corners


def _draw_point(axes: Axes, point: Point, is_beaten: bool, scale: Scale) -> None:
    color, marker = style_of(hue_of(point.family, point.attention))
    x, y = scale.at(point.cost, point.score)
    if point.interval is not None:
        half_width = (point.interval[1] - point.interval[0]) / 2 * scale.y
        axes.errorbar(
            x, y, yerr=half_width, fmt="none", ecolor=color,
            alpha=0.5 if is_beaten else 1.0, elinewidth=1.2, capsize=3, zorder=3,
        )  # fmt: skip
    axes.plot(
        x, y, linestyle="none", marker=marker, markersize=8, markeredgewidth=1.6,
        color=color, markerfacecolor="white" if is_beaten else color,
        alpha=0.65 if is_beaten else 1.0, zorder=4,
    )  # fmt: skip


def _legend(axes: Axes, points: Sequence[Point], beaten: Sequence[bool]) -> None:
    present = {hue_of(point.family, point.attention) for point in points}
    hues = [hue for hue in FAMILIES if hue in present] + sorted(present - set(FAMILIES))
    handles = [
        Line2D(
            [], [], linestyle="none", marker=marker, color=color, markersize=7, label=drawable(hue)
        )
        for hue, (color, marker) in ((hue, style_of(hue)) for hue in hues[:MOST_HUES])
    ]
    if len(hues) > MOST_HUES:
        others = f"{len(hues) - MOST_HUES:,} more"
        handles.append(Line2D([], [], linestyle="none", label=others))
    handles.append(Line2D([], [], color="#999999", linewidth=1.4, label="frontier"))
    if any(beaten):
        handles.append(
            Line2D([], [], linestyle="none", marker="o", color="#777777", markersize=7,
                   markerfacecolor="white", markeredgewidth=1.6, label="dominated")
        )  # fmt: skip
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False,
        borderaxespad=0.0,
    )  # fmt: skip


def _name_points(
    axes: Axes,
    points: Sequence[Point],
    beaten: Sequence[bool],
    steps: Sequence[tuple[float, float]],
    scale: Scale,
) -> None:
    everyone = len(points) <= NAMED_UP_TO
    named = [p for p, is_beaten in zip(points, beaten, strict=True) if everyone or not is_beaten]
    labels.place(
        axes,
        [drawable(point.name) for point in named],
        [scale.at(point.cost, point.score) for point in named],
        obstacles=[*_segments(axes, steps), *_whiskers(axes, points, scale)],
    )


def _segments(axes: Axes, steps: Sequence[tuple[float, float]]) -> list[Bbox]:
    pixels = axes.transData.transform(steps)
    return [_box(*start, *end) for start, end in pairwise(pixels)]


def _whiskers(axes: Axes, points: Sequence[Point], scale: Scale) -> list[Bbox]:
    boxes = []
    for point in points:
        ends = [scale.at(point.cost, y) for y in point.interval or (point.score, point.score)]
        (x0, y0), (x1, y1) = axes.transData.transform(ends)
        boxes.append(_box(x0, y0, x1, y1, margin=6.0))
    return boxes


def _box(x0: float, y0: float, x1: float, y1: float, margin: float = 2.0) -> Bbox:
    return Bbox.from_extents(
        min(x0, x1) - margin, min(y0, y1) - margin, max(x0, x1) + margin, max(y0, y1) + margin
    )
