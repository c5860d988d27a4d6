"""Place labels beside points so that they cover neither each other nor the points.

Each label tries a set of positions around its point, the closest first, and takes the first free
one. If none is free, it takes the one that covers the least. A thin line joins a distant label to
its point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

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
    lines = list(obstacles)
    labels: list[Annotation] = []
    # From left to right: labels extend to the right, where later ones can still move.
    for index in sorted(range(len(names)), key=lambda i: points[i].x0):
        label = axes.annotate(
            names[index], positions[index], xytext=(0, 0), textcoords="offset points", size=8,
            zorder=6, path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
        point, others = points[index], points[:index] + points[index + 1 :]
        written = [earlier.get_window_extent() for earlier in labels]
        distance = _settle(axes, label, point, [*others, *written], lines)
        if distance >= NEEDS_LEADER_FROM:
            _lead(axes, label)
            lines.append(_way(point, label.get_window_extent()))
        labels.append(label)
    return labels


def _around(axes: Axes, position: tuple[float, float]) -> Bbox:
    x, y = axes.transData.transform(position)
    radius = MARKER_RADIUS * axes.figure.dpi / 72
    return Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)


def _settle(
    axes: Axes, label: Annotation, point: Bbox, things: Sequence[Bbox], lines: Sequence[Bbox]
) -> float:
    """Move the label to the first free position around its point, or else to the best one.

    The label should cover neither things (points, labels) nor lines. The line back to its point
    should cross no thing, which would seem to have the label. Returns the distance chosen.
    """
    inside = axes.get_window_extent()
    best, least = (DISTANCES[0], DIRECTIONS[0]), float("inf")
    for distance, direction in product(DISTANCES, DIRECTIONS):
        _move(label, distance, direction)
        box = label.get_window_extent()
        cost = _covered(box, [point, *things, *lines]) + _covered(_way(point, box), things)
        cost += box.width * box.height - _overlap(box, inside)
        if cost < least:
            best, least = (distance, direction), cost
        if cost == 0:
            break
    _move(label, *best)
    return best[0]


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


def _covered(box: Bbox, taken: Iterable[Bbox]) -> float:
    """The area of the box that is taken, in square pixels."""
    return sum(_overlap(box, other) for other in taken)


def _way(point: Bbox, box: Bbox) -> Bbox:
    """The box around the line from the centre of a point to the closest corner of its label."""
    x, y = (point.x0 + point.x1) / 2, (point.y0 + point.y1) / 2
    near_x, near_y = min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)
    ends = (min(x, near_x), min(y, near_y), max(x, near_x), max(y, near_y))
    return Bbox.from_extents(*ends).padded(2)


def _overlap(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
