"""Accuracy against cost: filled points on the frontier, hollow ones beaten by another model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from attnbench.analysis.tradeoff.frontier import Point
from attnbench.report.figures import label_placement as labels
from attnbench.report.figures.style import FAMILIES, family_style, open_figure, scale_axis, settle
from attnbench.units import METRICS

FOOTNOTE = (
    "Up and to the left is better. A hollow point is dominated: another model is at least as "
    "accurate at no more cost."
)
NAMED_UP_TO = 40
"""Beyond so many points only those on the frontier are named: more names would cover the data."""


def frontier(
    points: Sequence[Point], beaten: Sequence[bool], metric: str, *, title: str, subtitle: str
) -> Figure:
    """Every model at its cost, the frontier joined by steps, names beside the points."""
    figure, (axes,) = open_figure(title, subtitle, FOOTNOTE, height=4.6)
    scale, top1 = METRICS[metric].scale, METRICS["top1"]
    steps = _steps([p for p, is_beaten in zip(points, beaten, strict=True) if not is_beaten], scale)
    axes.plot(*zip(*steps, strict=True), color="#999999", linewidth=1.4, zorder=2)
    for point, is_beaten in zip(points, beaten, strict=True):
        _draw_point(axes, point, is_beaten, scale)
    scale_axis(axes, "x", [point.cost * scale for point in points])
    axes.yaxis.set_major_locator(MaxNLocator(7))
    axes.margins(x=0.16, y=0.14)
    axes.set(xlabel=METRICS[metric].axis_label, ylabel=top1.axis_label)
    _legend(axes, points, beaten)
    settle(figure)
    _name_points(axes, points, beaten, steps, scale)
    return figure


def _steps(best: Sequence[Point], scale: float) -> list[tuple[float, float]]:
    """Corners of the line of best accuracy at up to each cost, in axis units."""
    corners: list[tuple[float, float]] = []
    for point in sorted(best, key=lambda p: (p.cost, p.accuracy)):
        here = point.cost * scale, 100 * point.accuracy
        if corners:
            corners.append((here[0], corners[-1][1]))
        corners.append(here)
    return corners


def _draw_point(axes: Axes, point: Point, is_beaten: bool, scale: float) -> None:
    color, marker = family_style(point.family)
    x, y = point.cost * scale, 100 * point.accuracy
    if point.seeds > 1:
        below, above = y - 100 * point.lowest, 100 * point.highest - y
        axes.errorbar(
            x, y, yerr=[[max(below, 0)], [max(above, 0)]], fmt="none", ecolor=color,
            alpha=0.5 if is_beaten else 1.0, elinewidth=1.2, capsize=3, zorder=3,
        )  # fmt: skip
    axes.plot(
        x, y, linestyle="none", marker=marker, markersize=8, markeredgewidth=1.6,
        color=color, markerfacecolor="white" if is_beaten else color,
        alpha=0.65 if is_beaten else 1.0, zorder=4,
    )  # fmt: skip


def _legend(axes: Axes, points: Sequence[Point], beaten: Sequence[bool]) -> None:
    present = {point.family if point.family in FAMILIES else "other" for point in points}
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=color, markersize=7, label=family)
        for family, (color, marker) in FAMILIES.items()
        if family in present
    ]
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
    scale: float,
) -> None:
    everyone = len(points) <= NAMED_UP_TO
    named = [p for p, is_beaten in zip(points, beaten, strict=True) if everyone or not is_beaten]
    labels.place(
        axes,
        [point.name for point in named],
        [(point.cost * scale, 100 * point.accuracy) for point in named],
        obstacles=[*_segments(axes, steps), *_whiskers(axes, points, scale)],
    )


def _segments(axes: Axes, steps: Sequence[tuple[float, float]]) -> list[Bbox]:
    pixels = axes.transData.transform(steps)
    return [_box(*start, *end) for start, end in pairwise(pixels)]


def _whiskers(axes: Axes, points: Sequence[Point], scale: float) -> list[Bbox]:
    boxes = []
    for point in points:
        ends = [(point.cost * scale, 100 * y) for y in (point.lowest, point.highest)]
        (x0, y0), (x1, y1) = axes.transData.transform(ends)
        boxes.append(_box(x0, y0, x1, y1, margin=6.0))
    return boxes


def _box(x0: float, y0: float, x1: float, y1: float, margin: float = 2.0) -> Bbox:
    return Bbox.from_extents(
        min(x0, x1) - margin, min(y0, y1) - margin, max(x0, x1) + margin, max(y0, y1) + margin
    )
