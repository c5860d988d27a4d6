"""Two figures of a detector: precision against recall, and which class is taken for which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from attnbench.records import BoxOutcome, PrecisionRecall
from attnbench.report.figures.colours import INK
from attnbench.report.figures.confusion import boxes_figure, save_png
from attnbench.report.figures.lettering import drawable
from attnbench.report.figures.style import house_style, open_figure
from attnbench.units import format_percent

MOST_NAMED = 10
"""Classes that get a colour and a line of the legend."""


def save_outcome(outcome: BoxOutcome, folder: Path) -> list[Path]:
    """Draw `curves.png` (unless no class has objects) and `confusion.png` into a folder."""
    saved = []
    with house_style():
        if any(curve.objects for curve in outcome.curves):
            saved.append(save_png(curves_figure(outcome), folder / "curves.png"))
        figure = boxes_figure(outcome.confusion, outcome.pictures)
        saved.append(save_png(figure, folder / "confusion.png"))
    return saved


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
    return (
        f"{drawable(curve.name)}: {format_percent(curve.ap50 or 0.0)} ({curve.objects:,} objects)"
    )
