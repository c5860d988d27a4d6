"""Figure of the primary score against the size of the images, a line for each model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import seaborn as sns
from matplotlib.figure import Figure

from attnbench.analysis.at_sizes import Curve
from attnbench.report.figures.confusion import save_png
from attnbench.report.figures.lettering import drawable
from attnbench.report.figures.line_plot import room_for_legend
from attnbench.report.figures.style import FAINT, house_style, open_figure, ticks_at
from attnbench.units import Metric


def save_sizes(
    curves: Mapping[str, Curve], metric: Metric, data: str, trained: tuple[int, int], path: Path
) -> Path:
    """Draw the scores of models at several sizes, and the size that they were trained at.

    Args:
        curves: by the name of each model.
        metric: the score.
        data: the data set.
        trained: (height, width) of the training images.
        path: of the file, a PNG.

    Raises:
        OSError: the file cannot be written.
    """
    with house_style():
        return save_png(_figure(curves, metric, data, trained), path)


def _figure(
    curves: Mapping[str, Curve], metric: Metric, data: str, trained: tuple[int, int]
) -> Figure:
    height, width = trained
    figure, (axes,) = open_figure(
        f"{metric.label} against resolution",
        f"Held-out images of {drawable(data)}; trained at {height} × {width} px (dashed)",
        height=room_for_legend(len(curves)),
    )
    colours = sns.color_palette("husl" if len(curves) > 10 else "colorblind", len(curves))
    for (name, curve), colour in zip(curves.items(), colours, strict=True):
        scores = [metric.scale * score for score in curve.values()]
        axes.plot([*curve], scores, color=colour, marker="o", label=drawable(name))
    axes.set_xscale("log")
    ticks_at(axes.xaxis, [side for curve in curves.values() for side in curve])
    axes.axvline((height * width) ** 0.5, color=FAINT, linewidth=1, linestyle="--", zorder=0)
    axes.set(xlabel="side of the images in pixels", ylabel=metric.axis_label)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, borderaxespad=0.0)
    return figure
