"""How near each comes to its limit against tokens: what is left to gain, at a glance."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from attnbench.report.plots import (
    TRUST_NOTE,
    draw_bands,
    draw_lines,
    fade_points,
    legend,
    room_for_legend,
)
from attnbench.report.style import Line, open_figure, ticks_at
from attnbench.units import METRICS

WHOLE = 100.0
_NOTE = (
    "100 %: the least time that the measured rate of products and the measured bandwidth allow for "
    "the work that this code does. Code that does less work may be faster and farther from its "
    "limit. Bands: 95 % interval of the median latency."
)


def shares(
    rows: pd.DataFrame,
    lines: Mapping[str, Line],
    *,
    title: str,
    subtitle: str,
    footnote: str = "",
) -> Figure:
    """A line for each `label` of rows under one set of conditions."""
    unit = METRICS["percent_of_limit"]
    limit = rows["limit_s"] * unit.scale
    data = rows.assign(
        x=rows["tokens"].astype(float), y=rows["percent_of_limit"] * unit.scale,
        low=limit / rows["latency_high_s"], high=limit / rows["latency_low_s"],
    ).sort_values("x")  # fmt: skip
    doubtful = TRUST_NOTE if (data["trust"] == "C").any() else ""
    height = max(4.4, room_for_legend(data["label"].nunique()))
    note = " ".join(filter(None, (_NOTE, doubtful, footnote)))
    figure, (axes,) = open_figure(title, subtitle, note, width=10.0, height=height)
    draw_bands(axes, data, lines)
    draw_lines(axes, data, lines)
    fade_points(axes, data)
    axes.set_xscale("log")
    ticks_at(axes.xaxis, list(data["x"]))
    axes.set_ylim(0, 1.05 * max(WHOLE, data["y"].max()))
    axes.axhline(WHOLE, color="#777777", linewidth=1.3, zorder=1.5)
    axes.set(xlabel="tokens", ylabel="share of the limit (%)")
    legend(axes, data, lines)
    return figure
