"""Names beside points, placed so that they cover neither each other nor the points.

Each name tries a ring of places around its point, near ones first, and takes the first that is
free; where none is, the one that covers least. A thin line leads back from a distant place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

# Unit steps away from the point, with the side of the text that faces it.
DIRECTIONS = (
    (1.0, 0.0, "left", "center"),
    (-1.0, 0.0, "right", "center"),
    (0.0, 1.0, "center", "bottom"),
    (0.0, -1.0, "center", "top"),
    (0.7, 0.7, "left", "bottom"),
    (0.7, -0.7, "left", "top"),
    (-0.7, 0.7, "right", "bottom"),
    (-0.7, -0.7, "right", "top"),
)
DISTANCES = (8, 16, 28, 44, 64, 88)
"""Points (1/72 inch) between a point and its name."""
NEEDS_LEADER_FROM = 20
MARKER_RADIUS = 7


def place(
    axes: Axes,
    names: Sequence[str],
    positions: Sequence[tuple[float, float]],
    obstacles: Iterable[Bbox] = (),
) -> list[Annotation]:
    """Write each name beside its position (data coordinates), clear of the obstacles (pixels)."""
    renderer = axes.figure.canvas.get_renderer()
    taken = [*obstacles, *(_around(axes, position) for position in positions)]
    placed = []
    for name, position in zip(names, positions, strict=True):
        label = axes.annotate(
            name, position, textcoords="offset points", size=8, zorder=6, annotation_clip=False
        )
        _settle(label, taken, axes.get_window_extent(renderer), renderer)
        taken.append(label.get_window_extent(renderer))
        placed.append(label)
    return placed


def _around(axes: Axes, position: tuple[float, float]) -> Bbox:
    x, y = axes.transData.transform(position)
    radius = MARKER_RADIUS * axes.figure.dpi / 72
    return Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)


def _settle(label: Annotation, taken: Sequence[Bbox], inside: Bbox, renderer: object) -> None:
    """Move the label to the first free place around its point, or to the least bad one."""
    best, least = (DISTANCES[0], DIRECTIONS[0]), float("inf")
    for distance in DISTANCES:
        for direction in DIRECTIONS:
            _move(label, distance, direction)
            covered = _covered(label.get_window_extent(renderer), taken, inside)
            if covered < least:
                best, least = (distance, direction), covered
            if covered == 0:
                return _finish(label, *best)
    return _finish(label, *best)


def _move(label: Annotation, distance: float, direction: tuple[float, float, str, str]) -> None:
    x, y, horizontal, vertical = direction
    label.set_position((distance * x, distance * y))
    label.set_horizontalalignment(horizontal)
    label.set_verticalalignment(vertical)


def _finish(label: Annotation, distance: float, direction: tuple[float, float, str, str]) -> None:
    _move(label, distance, direction)
    if distance >= NEEDS_LEADER_FROM:
        label.axes.annotate(
            "",
            label.xy,
            xytext=(distance * direction[0], distance * direction[1]),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.7, "shrinkB": 5},
        )


def _covered(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> float:
    """Square pixels of the box that are taken or outside of the axes."""
    area = sum(_overlap(box, other) for other in taken)
    return area + box.width * box.height - _overlap(box, inside)


def _overlap(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
