"""Figure of the share of the machine's limit that each mechanism reaches, against tokens."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd
from matplotlib.figure import Figure

from attnbench.report.figures.colours import Line
from attnbench.report.figures.line_plot import legend, open_over_tokens
from attnbench.units import METRICS

WHOLE = 100.0
_NOTE = (
    "100 %: the shortest time that the measured rate of products and the measured bandwidth allow "
    "for the mechanism's work. A mechanism with less work may be faster and yet further from its "
    "own limit. Bands: 95 % interval of the median latency."
)


def shares(
    rows: pd.DataFrame,
    lines: Mapping[Hashable, Line],
    *,
    title: str,
    subtitle: str,
    footnote: str = "",
) -> Figure:
    """One line per `series`, under one set of conditions."""
    unit = METRICS["percent_of_limit"]
    limit = rows["limit_s"] * unit.scale
    data = rows.assign(
        x=rows["tokens"].astype(float), y=rows["percent_of_limit"] * unit.scale,
        low=limit / rows["latency_high_s"], high=limit / rows["latency_low_s"],
        sure=rows["quotable"],
    ).sort_values("x")  # fmt: skip
    note = " ".join(filter(None, (_NOTE, footnote)))
    figure, axes = open_over_tokens(data, lines, title=title, subtitle=subtitle, footnote=note)
    axes.set_ylim(0, 1.05 * max(WHOLE, data["y"].max()))
    axes.axhline(WHOLE, color="#777777", linewidth=1.3, zorder=1.5)
    axes.set(xlabel="tokens", ylabel="share of the limit (%)")
    legend(axes, data, lines)
    return figure
