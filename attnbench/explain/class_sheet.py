"""The sheet of class maps: each picture beside what the models look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from attnbench.explain.explained import Explained
from attnbench.explain.pictures import Pictures
from attnbench.explain.sheet import frame, open_sheet, save_sheet, show_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 26
"""Characters of a name beside a picture."""
FOOTNOTE = (
    "Grad-CAM: red speaks for the class below, blue does not; each map from its own least to its "
    "own largest value. Below: the class, and {shares}."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A model in the figure."""

    label: str
    pictures: Pictures
    """At the size that it takes."""
    explained: Explained


def draw_class_maps(columns: Sequence[Column], shown: Sequence[int], stem: Path) -> list[Path]:
    """Write some pictures beside the maps of each model, as PNG and SVG.

    Args:
        columns: the models; the pictures of the first are shown.
        shown: the places of the pictures that are shown.
        stem: path of the files without suffix.

    Raises:
        UserError: a file cannot be written.
    """
    from attnbench.report.figures.style import house_style

    first = columns[0]
    note = FOOTNOTE.format(shares=", or ".join(shares_of(columns)))
    if any(len(one) for one in first.explained.boxes):
        note += " Frames: the boxes that the numbers are about."
    if any(column.explained.detected for column in columns):
        note += " Dashed: the detection that is explained."
    with house_style():
        figure, grid = open_sheet(
            "What the models look at",
            note,
            rows=len(shown),
            columns=1 + len(columns),
            aspect=first.pictures.pixels.shape[2] / first.pictures.pixels.shape[3],
        )
        for row, picture in enumerate(shown):
            show_picture(grid[row][0], first.pictures.pixels[picture])
            frame(grid[row][0], boxes_of(first, picture))
            for axes, column in zip(grid[row][1:], columns, strict=True):
                _draw_map(axes, column, picture)
        for axes, column in zip(grid[0][1:], columns, strict=True):
            axes.set_title(column.label[:LONGEST], size=9)
        return save_sheet(figure, stem)


def shares_of(columns: Sequence[Column]) -> list[str]:
    """What the percentages below the maps are, each kind once."""
    return list(dict.fromkeys(column.explained.shares_are for column in columns))


def with_boxes_first(column: Column) -> list[int]:
    """The places of the pictures: those that the numbers are about come first."""
    places = range(len(column.pictures.names))
    return sorted(places, key=lambda place: len(boxes_of(column, place)) == 0)


def _draw_map(axes: Axes, column: Column, row: int) -> None:
    """One picture under one model's map, with the class and its probability."""
    found, map_ = column.explained, column.explained.maps[row]
    low, high = float(map_.min()), float(map_.max())
    show_picture(axes, column.pictures.pixels[row])
    axes.imshow(
        map_.numpy(), cmap="turbo", alpha=0.5, vmin=low, vmax=high if high > low else low + 1
    )
    frame(axes, boxes_of(column, row))
    if found.detected and found.detected[row]:
        frame(axes, [found.detected[row]], dashed=True)
    axes.set_xlabel(f"{found.classes[row][:LONGEST]}, {100 * found.shares[row]:.0f} %", size=8)


def boxes_of(column: Column, picture: int) -> Tensor | Sequence[Sequence[float]]:
    """The boxes that the numbers are about, x1, y1, x2, y2 in pixels of the picture."""
    boxes = column.explained.boxes
    return boxes[picture] if boxes else ()
