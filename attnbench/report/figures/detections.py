"""Two figures of a detector: precision against recall, and which class is taken for which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from attnbench.records import BoxConfusion, BoxOutcome, PrecisionRecall
from attnbench.report.figures.colours import INK
from attnbench.report.figures.save import PNG_DPI
from attnbench.report.figures.style import FAINT, house_style, open_figure, settle
from attnbench.units import format_percent

MOST_NAMED = 10
"""Classes that get a colour and a line of the legend."""
MOST_NUMBERS = 12
"""Classes at which the numbers of the matrix are still readable."""
MOST_TICKS = 40


def save_outcome(outcome: BoxOutcome, folder: Path) -> list[Path]:
    """Draw `curves.png` (unless no class has objects) and `confusion.png` into a folder."""
    drawn: dict[str, Figure] = {}
    with house_style():
        if any(curve.objects for curve in outcome.curves):
            drawn["curves.png"] = curves_figure(outcome)
        drawn["confusion.png"] = confusion_figure(outcome.confusion, outcome.pictures)
        for name, figure in drawn.items():
            settle(figure)
            figure.savefig(folder / name, format="png", dpi=PNG_DPI)
    return [folder / name for name in drawn]


def curves_figure(outcome: BoxOutcome) -> Figure:
    """Precision against recall at IoU 0.5: a line for each class, and their mean."""
    curves = sorted(
        (curve for curve in outcome.curves if curve.objects),
        key=lambda curve: curve.ap50 or 0.0, reverse=True,
    )  # fmt: skip
    left_out = len(outcome.curves) - len(curves)
    figure, (axes,) = open_figure(
        "Precision against recall",
        f"IoU 0.5, {outcome.pictures:,} pictures; AP50 is the area below a line",
        f"Left out, as they have no objects: {left_out} of {len(outcome.curves)} classes."
        if left_out
        else "",
        width=8.2, height=4.2,
    )  # fmt: skip
    named = len(curves) <= MOST_NAMED
    colours = sns.color_palette("colorblind", MOST_NAMED)
    for index, curve in enumerate(curves):
        axes.plot(
            curve.recalls, curve.precisions, color=colours[index] if named else "#cccccc",
            linewidth=1.8 if named else 0.8, label=_label(curve) if named else None,
        )  # fmt: skip
    if len(curves) > 1:
        mean = np.mean([curve.precisions for curve in curves], axis=0)
        text = f"mean of {len(curves)} classes: {format_percent(float(mean.mean()))}"
        axes.plot(curves[0].recalls, mean, color=INK, linewidth=2.4, linestyle=(0, (5, 1.6)),
                  label=text)  # fmt: skip
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, borderaxespad=0.0)
    return figure


def _label(curve: PrecisionRecall) -> str:
    return f"{_short(curve.name)}: {format_percent(curve.ap50 or 0.0)} ({curve.objects:,} objects)"


def confusion_figure(confusion: BoxConfusion, pictures: int) -> Figure:
    """Rows are what is there, columns what was found; shading is the share of the row."""
    counts = np.array(confusion.counts, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    classes = len(confusion.class_names)
    side = min(9.0, max(3.4, 1.6 + 0.5 * classes))
    figure, (axes,) = open_figure(
        "Which class is taken for which",
        f"Detections with a score of at least {confusion.least_score} and an IoU of at least "
        f"{confusion.least_overlap}, {pictures:,} pictures",
        "Shading: share of the row. Last row: detections where no object is.",
        width=side + 2.2, height=side,
    )  # fmt: skip
    axes.imshow(shares, cmap=sns.light_palette("#0173b2", as_cmap=True), vmin=0, vmax=1)
    axes.grid(visible=False)
    if classes <= MOST_NUMBERS:
        for (row, column), share in np.ndenumerate(shares):
            axes.text(
                column, row, f"{counts[row, column]:,.0f}", ha="center", va="center", size=8,
                color="white" if share > 0.6 else INK if counts[row, column] else FAINT,
            )  # fmt: skip
    names = [_short(name) for name in confusion.class_names]
    if classes <= MOST_TICKS:
        places = range(classes + 1)
        axes.set_xticks(
            places, [*names, "not found"], rotation=40, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(places, [*names, "background"])
    axes.set(xlabel="found", ylabel="there")
    return figure


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
