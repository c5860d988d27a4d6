"""Figure of the primary score after each epoch of training."""

from __future__ import annotations

from collections import Counter

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from attnbench.analysis.frame.rows import PRIMARY
from attnbench.report.figures.colours import plain_lines
from attnbench.report.figures.line_plot import draw_lines, legend, room_for_legend
from attnbench.report.figures.style import open_figure
from attnbench.units import Metric

RUN = ("variant_key", "run", "machine_key")
"""The columns that the epochs of one run share."""


def curves(
    frame: pd.DataFrame, score: Metric, *, title: str, subtitle: str, footnote: str = ""
) -> Figure:
    """The score over epochs: one line per run, one colour per model."""
    data = frame.dropna(subset=[PRIMARY]).sort_values("epoch")
    data = data.assign(
        series=data["variant_key"], x=data["epoch"].astype(float), y=data[PRIMARY] * score.scale
    )
    lines = plain_lines(data)
    by_run = data.groupby(list(RUN), sort=False)
    runs = Counter(run["variant_key"].iloc[0] for _, run in by_run)
    figure, (axes,) = open_figure(title, subtitle, footnote, height=room_for_legend(len(lines)))
    for _, run in by_run:
        draw_lines(axes, run, lines)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel=score.axis_label)
    legend(axes, data, lines, {key: f", {count} runs" for key, count in runs.items() if count > 1})
    return figure
