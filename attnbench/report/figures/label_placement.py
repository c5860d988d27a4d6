"""Names beside points, placed so that they cover neither each other nor the points.

Each name tries a ring of places around its point, near ones first, and takes the first that is
free; where none is, the one that covers least. A thin line leads back from a distant place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

# Unit steps away from the point, with the side of the text that is put there.
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
"""Points (1/72 inch) between a point and its name."""
NEEDS_LEADER_FROM = 14
MARKER_RADIUS = 7


def place(
    axes: Axes,
    names: Sequence[str],
    positions: Sequence[tuple[float, float]],
    obstacles: Iterable[Bbox] = (),
) -> list[Annotation]:
    """Write each name beside its position (data coordinates), clear of the obstacles (pixels).

    The layout of the figure must be settled: places are compared in pixels.
    """
    points = [_around(axes, position) for position in positions]
    lines = list(obstacles)
    labels: list[Annotation] = []
    # From left to right: names reach to the right, where the later ones still have a choice.
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
    """Move the label to the first free place around its point, or to the least bad one.

    It may cover neither things nor lines, and the way back to its point may cross no thing: the
    name would be taken for that of the thing. Returns the distance from the point.
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
    """Square pixels of the box that are taken."""
    return sum(_overlap(box, other) for other in taken)


def _way(point: Bbox, box: Bbox) -> Bbox:
    """Roughly the pixels between the middle of a point and the nearest corner of its label."""
    x, y = (point.x0 + point.x1) / 2, (point.y0 + point.y1) / 2
    near_x, near_y = min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)
    ends = (min(x, near_x), min(y, near_y), max(x, near_x), max(y, near_y))
    return Bbox.from_extents(*ends).padded(2)


def _overlap(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
