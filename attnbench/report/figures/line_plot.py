"""Line plots with interval bands and a legend, one line per `series` under one set of conditions.

Column `series` holds a key, column `label` its name in the legend. Cells that nothing is concluded
from (column `sure` is false) are faded markers by themselves: no line or band goes through them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attnbench.report.figures.colours import Line
from attnbench.report.figures.drawing import FADED, NO_LINE, TRUST_NOTE
from attnbench.report.figures.lettering import drawable
from attnbench.report.figures.style import open_figure, scale_axis, ticks_at
from attnbench.units import METRICS


def against(
    frame: pd.DataFrame,
    x: str,
    axis: str,
    metric: str,
    lines: Mapping[Hashable, Line],
    *,
    title: str,
    subtitle: str,
    footnote: str = "",
) -> Figure:
    """One metric against column `x`, whose axis is labelled `axis`; one line per `series`."""
    height = room_for_legend(frame.dropna(subset=[metric])["series"].nunique())
    figure, (axes,) = open_figure(title, subtitle, footnote, height=height)
    draw_against(axes, frame, x, axis, metric, lines)
    return figure


def draw_against(
    axes: Axes, frame: pd.DataFrame, x: str, axis: str, metric: str, lines: Mapping[Hashable, Line]
) -> None:
    """The same on given axes."""
    unit = METRICS[metric]
    data = frame.dropna(subset=[metric]).sort_values(x)
    data = data.assign(x=data[x].astype(float), y=data[metric].astype(float) * unit.scale)
    if metric == "latency_s":
        bounds = data["latency_low_s"] * unit.scale, data["latency_high_s"] * unit.scale
        data = data.assign(low=bounds[0], high=bounds[1], sure=data["quotable"])
        draw_bands(axes, data, lines)
        draw_doubtful(axes, data, lines)
    draw_lines(axes, sure_rows(data), lines)
    if data["x"].max() >= 2 * data["x"].min():
        axes.set_xscale("log")
    scale_axis(axes, "y", list(data["y"]))
    ticks_at(axes.xaxis, list(data["x"]))
    axes.set(xlabel=axis, ylabel=unit.axis_label)
    legend(axes, data, lines)


def open_over_tokens(
    data: pd.DataFrame, lines: Mapping[Hashable, Line], *, title: str, subtitle: str, footnote: str
) -> tuple[Figure, Axes]:
    """A figure with the line and band of each `series`, from columns `x` (tokens) and `y`."""
    doubtful = "" if data["sure"].all() else f"{TRUST_NOTE} {NO_LINE}"
    height = max(4.4, room_for_legend(data["series"].nunique()))
    note = " ".join(filter(None, (footnote, doubtful)))
    figure, (axes,) = open_figure(title, subtitle, note, width=10.0, height=height)
    draw_bands(axes, data, lines)
    draw_doubtful(axes, data, lines)
    draw_lines(axes, sure_rows(data), lines)
    axes.set_xscale("log")
    ticks_at(axes.xaxis, list(data["x"]))
    return figure, axes


def room_for_legend(entries: int) -> float:
    """The height in inches at which a legend with that many entries fits beside the axes."""
    return max(3.9, 0.6 + 0.21 * entries)


def draw_lines(axes: Axes, data: pd.DataFrame, lines: Mapping[Hashable, Line]) -> None:
    """Draw the line of each `series` through columns `x` and `y`."""
    for series, rows in data.groupby("series", sort=False):
        line = lines[series]
        sns.lineplot(
            data=rows, x="x", y="y", estimator=None, ax=axes, color=line.color,
            marker=line.marker, linestyle=line.dash, markersize=6.5, linewidth=1.8,
        )  # fmt: skip


def draw_bands(axes: Axes, data: pd.DataFrame, lines: Mapping[Hashable, Line]) -> None:
    """Draw the band of each `series` between columns `low` and `high`, where known and sure."""
    known = sure_rows(data).dropna(subset=["low", "high"])
    for series, rows in known.groupby("series", sort=False):
        color = lines[series].color
        axes.fill_between(rows["x"], rows["low"], rows["high"], color=color, alpha=0.25, lw=0)


def sure_rows(data: pd.DataFrame) -> pd.DataFrame:
    """The rows that a line may go through."""
    return data[data["sure"]] if "sure" in data else data


def draw_doubtful(axes: Axes, data: pd.DataFrame, lines: Mapping[Hashable, Line]) -> None:
    """Draw the other cells as faded markers, which nothing joins."""
    for series, rows in data[~data["sure"]].groupby("series", sort=False):
        line = lines[series]
        axes.plot(
            rows["x"], rows["y"], linestyle="none", marker=line.marker, markersize=6.5,
            color=line.color, markeredgecolor="white", alpha=FADED, zorder=2.5,
        )  # fmt: skip


def legend(
    axes: Axes,
    data: pd.DataFrame,
    lines: Mapping[Hashable, Line],
    remarks: Mapping[Hashable, str] = {},
) -> None:
    """Draw the legend beside the axes, in the order of the lines' right ends.

    A remark is appended to its label.
    """
    ends = data.sort_values(["x", "y"], ascending=False).drop_duplicates("series")
    joined = set(sure_rows(data)["series"])
    handles = [
        Line2D(
            [], [], color=lines[series].color, marker=lines[series].marker, markersize=6.5,
            markeredgecolor="white", linewidth=1.8,
            linestyle=lines[series].dash if series in joined else "none",
            label=drawable(label) + remarks.get(series, ""),
        )
        for series, label in zip(ends["series"], ends["label"], strict=True)
    ]  # fmt: skip
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False,
        borderaxespad=0.0, handlelength=3.2,
    )  # fmt: skip
