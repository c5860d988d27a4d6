"""Place labels beside points so that they cover neither each other nor the points.

Each label tries a set of positions around its point, the closest first, and takes the first free
one. If none is free, it takes the one that covers the least. A thin line joins a distant label to
its point. What a position costs is read off the taken pixels, so that the time for a label does
not grow with the number of points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from attnbench.report.figures.taken import Taken

# (x, y) direction away from the point, and the alignment of the text there.
Direction = tuple[
    float, float, Literal["left", "center", "right"], Literal["bottom", "center", "top"]
]
DIRECTIONS: tuple[Direction, ...] = (
    (1.0, 0.0, "left", "center"),
    (-1.0, 0.0, "right", "center"),
    (0.0, 1.0, "center", "bottom"),
    (0.0, -1.0, "center", "top"),
    (0.0, 1.0, "left", "bottom"),
    (0.0, -1.0, "left", "top"),
    (0.0, 1.0, "right", "bottom"),
    (0.0, -1.0, "right", "top"),
    (0.7, 0.7, "left", "bottom"),
    (0.7, -0.7, "left", "top"),
    (-0.7, 0.7, "right", "bottom"),
    (-0.7, -0.7, "right", "top"),
)
DISTANCES = (8, 16, 28, 44, 64, 88)
"""Distances of a label from its point, in 1/72 inch."""
NEEDS_LEADER_FROM = 14
MARKER_RADIUS = 7


_BEFORE = {"left": 0.0, "bottom": 0.0, "center": 0.5, "right": 1.0, "top": 1.0}
"""The share of a text's width or height that lies before the place it is aligned to."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What is taken: points and labels, and lines. Only lines may be crossed by a leader."""

    inside: Bbox
    things: Taken
    lines: Taken
    pixels_per_point: float


def place(
    axes: Axes,
    names: Sequence[str],
    positions: Sequence[tuple[float, float]],
    obstacles: Iterable[Bbox] = (),
) -> list[Annotation]:
    """Write each name beside its position, clear of the obstacles.

    The layout of the figure must be final, since labels are placed in pixels.

    Args:
        axes: the axes of the points.
        names: one per point.
        positions: of the points, in data coordinates.
        obstacles: areas to keep free, in pixels.
    """
    points = [_around(axes, position) for position in positions]
    size = axes.figure.bbox.size
    page = _Page(
        axes.get_window_extent(), Taken(*size, points), Taken(*size, obstacles),
        axes.figure.dpi / 72,
    )  # fmt: skip
    labels: list[Annotation] = []
    # From left to right: labels extend to the right, where later ones can still move.
    for index in sorted(range(len(names)), key=lambda i: points[i].x0):
        label = axes.annotate(
            names[index], positions[index], xytext=(0, 0), textcoords="offset points", size=8,
            zorder=6, path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
        distance, box = _settle(label, points[index], page)
        if distance >= NEEDS_LEADER_FROM:
            _lead(axes, label)
            page.lines.take(_way(points[index], box))
        page.things.take(box)
        labels.append(label)
    return labels


def _around(axes: Axes, position: tuple[float, float]) -> Bbox:
    x, y = axes.transData.transform(position)
    radius = MARKER_RADIUS * axes.figure.dpi / 72
    return Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)


def _settle(label: Annotation, point: Bbox, page: _Page) -> tuple[float, Bbox]:
    """Move the label to the first free position around its point, or else to the best one.

    The label should cover neither things (points, labels) nor lines. The line back to its point
    should cross no thing, which would seem to have the label. Returns the distance and the box.
    """
    written = label.get_window_extent()  # measured once: to draw a text takes long
    best, least = (DISTANCES[0], DIRECTIONS[0]), float("inf")
    for distance, direction in product(DISTANCES, DIRECTIONS):
        cost = _cost(_box(written, point, distance * page.pixels_per_point, direction), point, page)
        if cost < least:
            best, least = (distance, direction), cost
        if cost == 0:
            break
    _move(label, *best)
    return best[0], _box(written, point, best[0] * page.pixels_per_point, best[1])


def _cost(box: Bbox, point: Bbox, page: _Page) -> float:
    """Square pixels that a label in this box would cover, cross or lie outside of the axes."""
    way = _way(point, box)
    crossed = page.things.covered(way) - page.things.covered(_common(way, point))
    outside = box.width * box.height - _overlap(box, page.inside)
    return page.things.covered(box) + page.lines.covered(box) + crossed + outside


def _box(written: Bbox, point: Bbox, distance: float, direction: Direction) -> Bbox:
    """The box of a text as large as `written`, at that distance in pixels from the point."""
    x, y, horizontal, vertical = direction
    left = (point.x0 + point.x1) / 2 + distance * x - _BEFORE[horizontal] * written.width
    bottom = (point.y0 + point.y1) / 2 + distance * y - _BEFORE[vertical] * written.height
    return Bbox.from_bounds(left, bottom, written.width, written.height)


def _move(label: Annotation, distance: float, direction: Direction) -> None:
    x, y, horizontal, vertical = direction
    label.set_position((distance * x, distance * y))
    label.set_horizontalalignment(horizontal)
    label.set_verticalalignment(vertical)


def _lead(axes: Axes, label: Annotation) -> None:
    """Draw a thin line from the label back to its point."""
    axes.annotate(
        "", label.xy, xytext=label.get_position(), textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.7, "shrinkB": 5},
    )  # fmt: skip


def _way(point: Bbox, box: Bbox) -> Bbox:
    """The box around the line from the centre of a point to the closest corner of its label."""
    x, y = (point.x0 + point.x1) / 2, (point.y0 + point.y1) / 2
    near_x, near_y = min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)
    ends = (min(x, near_x), min(y, near_y), max(x, near_x), max(y, near_y))
    return Bbox.from_extents(*ends).padded(2)


def _common(one: Bbox, other: Bbox) -> Bbox:
    """The box that both share; without an extent if they share none."""
    x0, y0 = max(one.x0, other.x0), max(one.y0, other.y0)
    return Bbox.from_extents(x0, y0, max(min(one.x1, other.x1), x0), max(min(one.y1, other.y1), y0))


def _overlap(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
