"""The figures of layers and of training: each from rows that share their conditions.

Whoever calls these groups the rows; what the rows share stands in the subtitle.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from attnbench.report.figures.style import (
    FAINT,
    Line,
    family_style,
    open_figure,
    plain_number,
    scale_axis,
    shades_of,
    ticks_at,
)
from attnbench.units import METRICS

INTERVAL_NOTE = "Bands: 95 % interval of the median."
TRUST_NOTE = "Faded: trust C, see the table."
FADED = 0.35
"""Opacity of a latency that is not to be quoted."""


def against(
    frame: pd.DataFrame,
    x: str,
    metric: str,
    lines: Mapping[str, Line],
    *,
    title: str,
    subtitle: str,
    footnote: str = "",
) -> Figure:
    """One metric against `x` ("tokens" or "anchors"), one line for each `label`."""
    unit = METRICS[metric]
    data = frame.dropna(subset=[metric]).sort_values(x)
    data = data.assign(x=data[x].astype(float), y=data[metric].astype(float) * unit.scale)
    height = room_for_legend(data["label"].nunique())
    figure, (axes,) = open_figure(title, subtitle, footnote, height=height)
    draw_lines(axes, data, lines)
    if metric == "latency_s":
        bounds = data["latency_low_s"] * unit.scale, data["latency_high_s"] * unit.scale
        draw_bands(axes, data.assign(low=bounds[0], high=bounds[1]), lines)
        fade_points(axes, data)
    if data["x"].max() >= 2 * data["x"].min():
        axes.set_xscale("log")
    scale_axis(axes, "y", list(data["y"]))
    ticks_at(axes.xaxis, list(data["x"]))
    axes.set(xlabel=x, ylabel=unit.axis_label)
    legend(axes, data, lines)
    return figure


def open_over_tokens(
    data: pd.DataFrame, lines: Mapping[str, Line], *, title: str, subtitle: str, footnote: str
) -> tuple[Figure, Axes]:
    """A figure with a line through `x` (tokens) and `y` of each `label`, and its band."""
    doubtful = TRUST_NOTE if (data["trust"] == "C").any() else ""
    height = max(4.4, room_for_legend(data["label"].nunique()))
    note = " ".join(filter(None, (footnote, doubtful)))
    figure, (axes,) = open_figure(title, subtitle, note, width=10.0, height=height)
    draw_bands(axes, data, lines)
    draw_lines(axes, data, lines)
    fade_points(axes, data)
    axes.set_xscale("log")
    ticks_at(axes.xaxis, list(data["x"]))
    return figure, axes


def room_for_legend(entries: int) -> float:
    """Inches of height at which a legend of that many entries fits beside the axes."""
    return max(3.9, 0.6 + 0.21 * entries)


def draw_lines(axes: Axes, data: pd.DataFrame, lines: Mapping[str, Line]) -> None:
    """The line of each `label` through columns `x` and `y`."""
    for label, rows in data.groupby("label", sort=False):
        line = lines[str(label)]
        sns.lineplot(
            data=rows, x="x", y="y", estimator=None, ax=axes, color=line.color,
            marker=line.marker, linestyle=line.dash, markersize=6.5, linewidth=1.8,
        )  # fmt: skip


def draw_bands(axes: Axes, data: pd.DataFrame, lines: Mapping[str, Line]) -> None:
    """The interval of each `label` from columns `low` to `high`, where it is known."""
    for label, rows in data.dropna(subset=["low", "high"]).groupby("label", sort=False):
        color = lines[str(label)].color
        axes.fill_between(rows["x"], rows["low"], rows["high"], color=color, alpha=0.25, lw=0)


def fade_points(axes: Axes, data: pd.DataFrame) -> None:
    """Veil the markers of what is graded C."""
    doubtful = data[data["trust"] == "C"]
    axes.scatter(
        doubtful["x"], doubtful["y"], s=81, color="white", edgecolor="none", alpha=1 - FADED,
        zorder=5,
    )  # fmt: skip


def legend(
    axes: Axes, data: pd.DataFrame, lines: Mapping[str, Line], remarks: Mapping[str, str] = {}
) -> None:
    """Beside the axes, in the order in which the lines end; a remark follows its label."""
    ends = data.sort_values(["x", "y"], ascending=False).drop_duplicates("label")["label"]
    handles = [
        Line2D(
            [], [], color=lines[label].color, marker=lines[label].marker, markersize=6.5,
            markeredgecolor="white", linestyle=lines[label].dash, linewidth=1.8,
            label=label + remarks.get(label, ""),
        )
        for label in ends
    ]  # fmt: skip
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False,
        borderaxespad=0.0, handlelength=3.2,
    )  # fmt: skip


def bars(frame: pd.DataFrame, *, title: str, subtitle: str, footnote: str = "") -> Figure:
    """Latency, memory and MACs side by side, one bar a mechanism, the fastest on top."""
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
    colors = [family_style(family)[0] for family in data["family"]]
    sns.barplot(
        x=values.fillna(0.0), y=data["label"], hue=data["label"], palette=colors, legend=False,
        ax=axes, saturation=1.0, width=0.72,
    )  # fmt: skip
    if metric == "latency_s":
        _draw_whiskers(axes, data, unit.scale)
        _fade_bars(axes, list(data["trust"]))
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
    axes.set(xlabel=unit.axis_label, ylabel="")
    axes.set_xlim(0, 1.38 * ends.max())  # room for the numbers at the ends
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda value, _: plain_number(value))
    axes.grid(visible=False, axis="y")


def _ends(data: pd.DataFrame, metric: str) -> pd.Series:
    """Where the bars end, or their whiskers; 0 for what was not measured."""
    ends = data[metric].astype(float)
    if metric == "latency_s":
        ends = data["latency_high_s"].fillna(ends)
    return ends.fillna(0.0)


def _fade_bars(axes: Axes, grades: list[str]) -> None:
    for bar, grade in zip(axes.patches, grades, strict=True):
        if grade == "C":
            bar.set_alpha(FADED)


def why_missing(status: str) -> str:
    """In the words of a reader, why a cell has no number."""
    return "not measured" if status == "ok" else status.replace("_", " ")


def _draw_whiskers(axes: Axes, data: pd.DataFrame, scale: float) -> None:
    middle = data["latency_s"] * scale
    below = middle - data["latency_low_s"] * scale
    above = data["latency_high_s"] * scale - middle
    axes.errorbar(
        middle, range(len(data)), xerr=[below, above], fmt="none", ecolor="#333333",
        elinewidth=1.2, capsize=3,
    )  # fmt: skip


def curves(frame: pd.DataFrame, *, title: str, subtitle: str) -> Figure:
    """Top-1 accuracy over the epochs: a line for each `curve`, a colour for each `label`."""
    unit = METRICS["top1"]
    data = frame.dropna(subset=["top1"]).sort_values("epoch")
    data = data.assign(x=data["epoch"].astype(float), y=data["top1"] * unit.scale)
    lines = plain_lines(data)
    runs = data.groupby("label")["curve"].nunique()
    figure, (axes,) = open_figure(title, subtitle, height=room_for_legend(len(lines)))
    for _, run in data.groupby("curve", sort=False):
        draw_lines(axes, run, lines)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel=unit.axis_label)
    legend(axes, data, lines, {str(k): f", {n} runs" for k, n in runs.items() if n > 1})
    return figure


def plain_lines(frame: pd.DataFrame) -> dict[str, Line]:
    """An undashed line for each `label` in the order of the rows, shaded within its family."""
    lines: dict[str, Line] = {}
    for family, rows in frame.groupby("family", sort=False):
        color, marker = family_style(str(family))
        names = list(rows["label"].unique())
        for name, shade in zip(names, shades_of(color, len(names)), strict=True):
            lines[name] = Line(color=shade, marker=marker, dash="-")
    return lines
