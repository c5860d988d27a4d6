"""A sheet of pictures in rows: how it is opened, what is drawn on a picture, how it is saved."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from attnbench.errors import UserError
from attnbench.files.writing import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 1.45
"""Inches of a picture."""
TITLE = 0.32
"""Inches above the pictures."""
DPI = 130
FRAME = "#31e0ff"
"""The colour of boxes and tokens: none of the colour maps has it."""
DASHED = "#ffffff"


def open_sheet(
    title: str, footnote: str, *, rows: int, columns: int, aspect: float
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of so many pictures, with a title above and small print below; call it in style.

    Args:
        title: above the pictures.
        footnote: below them.
        rows: of pictures.
        columns: of pictures.
        aspect: height of a picture by its width.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from attnbench.report.figures.style import FAINT

    width = max(columns * SIDE, 4.5)
    height = rows * (aspect * width / columns + 0.28) + 0.2
    small_print = textwrap.wrap(footnote, int(width * 18))
    below = 0.12 + 0.15 * len(small_print)
    whole = height + TITLE + below
    engine = ConstrainedLayoutEngine(
        rect=(0.005, below / whole, 0.99, height / whole), w_pad=0.02, h_pad=0.02
    )
    figure = Figure(figsize=(width, whole), layout=engine)
    figure.text(0.1 / width, 1 - 0.08 / whole, title, va="top", weight="bold", size=11)
    figure.text(0.1 / width, 0.05 / whole, "\n".join(small_print), va="bottom", size=7, color=FAINT)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.grid(visible=False)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.xaxis.labelpad = 2
    return figure, grid.tolist()


def show_picture(axes: Axes, pixels: Tensor) -> None:
    """Draw a picture, uint8 (3, height, width)."""
    axes.imshow(pixels.permute(1, 2, 0).numpy(), interpolation="bicubic")


def frame(axes: Axes, boxes: Tensor | Sequence[Sequence[float]], *, dashed: bool = False) -> None:
    """Draw boxes x1, y1, x2, y2 in pixels of the picture."""
    from matplotlib.patches import Rectangle

    for left, top, right, bottom in boxes.tolist() if isinstance(boxes, Tensor) else boxes:
        axes.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5),
                right - left,
                bottom - top,
                fill=False,
                edgecolor=DASHED if dashed else FRAME,
                linestyle="--" if dashed else "-",
                linewidth=1.2,
            )
        )


def save_sheet(figure: Figure, stem: Path) -> list[Path]:
    """Write it as PNG and SVG; `stem` is the path without suffix.

    Raises:
        UserError: a file cannot be written.
    """
    from attnbench.report.figures.lettering import letter

    letter(figure)
    written = []
    for suffix in ("png", "svg"):
        path = stem.with_name(f"{stem.name}.{suffix}")
        try:
            with replacing(path) as new:
                undated = {"Date": None} if suffix == "svg" else None
                figure.savefig(new, format=suffix, dpi=DPI, metadata=undated)
        except OSError as error:
            raise UserError(
                f"cannot write {path}: {error.strerror}; choose another --out"
            ) from error
        written.append(path)
    return written
