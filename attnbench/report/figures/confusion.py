"""Which class is taken for which: images, objects or pixels by true and by predicted class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from attnbench.files.writing import replacing
from attnbench.records import BoxConfusion
from attnbench.report.figures.colours import INK
from attnbench.report.figures.lettering import drawable
from attnbench.report.figures.save import PNG_DPI
from attnbench.report.figures.style import FAINT, house_style, open_figure, settle

MOST_NUMBERS = 12
"""Classes at which the numbers of the matrix are still readable."""
MOST_TICKS = 40
TITLE = "Which class is taken for which"


def save_png(figure: Figure, path: Path) -> Path:
    """Write a figure; equal figures give equal bytes. To be called in the house style."""
    settle(figure)
    with replacing(path) as new:
        figure.savefig(new, format="png", dpi=PNG_DPI)
    return path


def boxes_figure(confusion: BoxConfusion, pictures: int) -> Figure:
    """Objects: rows are what is there, columns what was found; numbers are counts."""
    names = [drawable(name) for name in confusion.class_names]
    return _matrix(
        confusion.counts, [*names, "background"], [*names, "not found"],
        subtitle=f"Detections with a score of at least {confusion.least_score} and an IoU of at "
        f"least {confusion.least_overlap}, {pictures:,} pictures",
        footnote="Shading: share of the row. Last row: detections where no object is.",
        form="{count:,.0f}",
    )  # fmt: skip


def save_pixels(
    counts: Sequence[Sequence[int]], class_names: Sequence[str], pictures: int, folder: Path
) -> Path:
    """Draw `confusion.png` of pixels by true class (rows) and predicted class (columns)."""
    footnote = "Numbers and shading: share of the row in percent."
    subtitle = f"Pixels of {pictures:,} pictures"
    return _save_square(counts, class_names, folder, subtitle, footnote, "{percent:.0f}")


def save_images(
    counts: Sequence[Sequence[int]], class_names: Sequence[str], pictures: int, folder: Path
) -> Path:
    """Draw `confusion.png` of images by true class (rows) and found class (columns)."""
    footnote = "Numbers are pictures. Shading: share of the row."
    subtitle = f"{pictures:,} pictures"
    return _save_square(counts, class_names, folder, subtitle, footnote, "{count:,.0f}")


def _save_square(
    counts: Sequence[Sequence[int]],
    class_names: Sequence[str],
    folder: Path,
    subtitle: str,
    footnote: str,
    form: str,
) -> Path:
    """Draw `confusion.png` with the same classes in rows and columns."""
    names = [drawable(name) for name in class_names]
    with house_style():
        figure = _matrix(counts, names, names, subtitle=subtitle, footnote=footnote, form=form)
        return save_png(figure, folder / "confusion.png")


def _matrix(
    counts: Sequence[Sequence[int]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    subtitle: str,
    footnote: str,
    form: str,
) -> Figure:
    """Counts shaded by their share of the row; `form` takes a `count` and its `percent`."""
    numbers = np.array(counts, dtype=np.float64)
    shares = numbers / np.maximum(numbers.sum(axis=1, keepdims=True), 1)
    side = min(9.0, max(3.4, 1.1 + 0.5 * len(rows)))
    figure, (axes,) = open_figure(TITLE, subtitle, footnote, width=side + 2.2, height=side)
    axes.imshow(shares, cmap=sns.light_palette("#0173b2", as_cmap=True), vmin=0, vmax=1)
    axes.grid(visible=False)
    if len(rows) <= MOST_NUMBERS + 1:
        for (row, column), share in np.ndenumerate(shares):
            count = numbers[row, column]
            axes.text(
                column, row, form.format(count=count, percent=100 * share), ha="center",
                va="center", size=8, color="white" if share > 0.6 else INK if count else FAINT,
            )  # fmt: skip
    if len(rows) <= MOST_TICKS + 1:
        axes.set_xticks(
            range(len(columns)), columns, rotation=40, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="found", ylabel="there")
    return figure
