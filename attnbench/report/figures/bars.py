"""Bar chart of the cost of layers on one grid, one panel per metric."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from attnbench.report.figures.colours import hue_of, style_of
from attnbench.report.figures.drawing import FADED, why_missing
from attnbench.report.figures.lettering import drawable
from attnbench.report.figures.style import FAINT, open_figure, plain_number
from attnbench.units import METRICS


def bars(frame: pd.DataFrame, *, title: str, subtitle: str, footnote: str = "") -> Figure:
    """Latency, memory and MACs side by side, one bar per mechanism, the fastest on top."""
    metrics = [m for m in ("latency_s", "memory_bytes", "macs") if frame[m].notna().any()]
    data = frame.sort_values(["latency_s", "macs"], na_position="last")
    figure, panels = open_figure(
        title, subtitle, footnote, width=10.0, height=0.9 + 0.36 * len(data), columns=len(metrics)
    )
    for axes, metric in zip(panels, metrics, strict=True):
        _draw_bars(axes, data, metric)
    return figure


def _draw_bars(axes: Axes, data: pd.DataFrame, metric: str) -> None:
    unit = METRICS[metric]
    values = data[metric].astype(float) * unit.scale
    hues = map(hue_of, data["family"], data["attention"])
    colors = [style_of(hue)[0] for hue in hues]
    sns.barplot(
        x=values.fillna(0.0), y=data["label"], hue=data["label"], palette=colors, legend=False,
        ax=axes, saturation=1.0, width=0.72,
    )  # fmt: skip
    if metric == "latency_s":
        _draw_whiskers(axes, data, unit.scale)
        _fade_bars(axes, list(data["quotable"]))
    ends = _ends(data, metric) * unit.scale
    for row, (value, end, status) in enumerate(
        zip(data[metric], ends, data["status"], strict=True)
    ):
        known = pd.notna(value)
        text = unit.format(float(value)) if known else why_missing(status)
        axes.annotate(
            text, (end, row), xytext=(9 if known else 4, 0), textcoords="offset points",
            va="center", size=8, color="black" if known else FAINT,
            style="normal" if known else "italic",
        )  # fmt: skip
    axes.set_yticks(range(len(data)), labels=map(drawable, data["label"]))
    axes.set(xlabel=unit.axis_label, ylabel="")
    axes.set_xlim(0, 1.38 * ends.max())  # room for the numbers at the ends
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda value, _: plain_number(value))
    axes.grid(visible=False, axis="y")


def _ends(data: pd.DataFrame, metric: str) -> pd.Series:
    """Where each bar or its whisker ends; 0 if not measured."""
    ends = data[metric].astype(float)
    if metric == "latency_s":
        ends = data["latency_high_s"].fillna(ends)
    return ends.fillna(0.0)


def _fade_bars(axes: Axes, quotable: list[bool]) -> None:
    for bar, may_be_quoted in zip(axes.patches, quotable, strict=True):
        if not may_be_quoted:
            bar.set_alpha(FADED)


def _draw_whiskers(axes: Axes, data: pd.DataFrame, scale: float) -> None:
    middle = data["latency_s"] * scale
    below = middle - data["latency_low_s"] * scale
    above = data["latency_high_s"] * scale - middle
    axes.errorbar(
        middle, range(len(data)), xerr=[below, above], fmt="none", ecolor="#333333",
        elinewidth=1.2, capsize=3,
    )  # fmt: skip
