"""Figure of speed-up over dense attention against tokens, with the crossovers marked."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attnbench.analysis.speedup.baseline import is_baseline
from attnbench.analysis.speedup.crossover import speedup_point
from attnbench.analysis.speedup.ratio_crossing import Crossings, Outcome, crossings
from attnbench.report.figures.colours import Line
from attnbench.report.figures.line_plot import legend, open_over_tokens
from attnbench.report.figures.lines import varying
from attnbench.report.figures.style import FAINT, scale_axis

EVEN = "#444444"
_NOTE = (
    "Above 1 a mechanism is faster than the fastest dense cell of the same size. Rings: "
    "crossovers, interpolated between measured sizes; the table has their intervals, which hold "
    "for all sizes at once. Bands: 95 % interval of the speed-up at each size."
)
REMARKS: dict[Outcome, str] = {
    "ahead": ", always ahead",
    "behind": ", never ahead",
    "falls behind": ", falls behind",
    "several": ", several crossovers",
    "level": ", always equal",
    "cannot tell": ", cannot tell",
    "not measured well enough": ", not measured well enough",
}


def comparable(group: pd.DataFrame) -> pd.DataFrame:
    """The cells of mechanisms other than dense with a speed-up at two or more sizes."""
    others = ~group["attention"].map(is_baseline).astype(bool)
    rows = group[others & group["speedup"].notna()]
    return varying(rows.assign(series=rows["implementation_key"]), "tokens")


def speed_ups(
    rows: pd.DataFrame,
    lines: Mapping[Hashable, Line],
    *,
    title: str,
    subtitle: str,
    footnote: str = "",
) -> Figure:
    """One line per `series` of comparable rows under one set of conditions."""
    data = rows.sort_values("tokens").assign(
        x=lambda frame: frame["tokens"].astype(float), y=lambda frame: frame["speedup"],
        low=lambda frame: frame["speedup_low"], high=lambda frame: frame["speedup_high"],
        sure=lambda frame: frame["speedup_quotable"],
    )  # fmt: skip
    note = " ".join(filter(None, (_NOTE, footnote)))
    figure, axes = open_over_tokens(data, lines, title=title, subtitle=subtitle, footnote=note)
    _mark_even(axes, data)
    axes.set(xlabel="tokens", ylabel=f"speed-up over {_baselines(data)} (×)")
    judged: dict[Hashable, Crossings] = {
        series: _judged(line) for series, line in data.groupby("series", sort=False)
    }
    _mark_crossings(axes, judged, lines)
    legend(axes, data, lines, {series: _remark(outcome) for series, outcome in judged.items()})
    return figure


def _judged(line: pd.DataFrame) -> Crossings:
    points = [speedup_point(row) for row in line[line["speedup_quotable"]].itertuples()]
    left_out: list[float] = line.loc[~line["speedup_quotable"], "tokens"].astype(float).tolist()
    return crossings([point for point in points if point is not None], left_out)


def _baselines(data: pd.DataFrame) -> str:
    names = sorted(set(data["baseline"]) - {""})
    return names[0] if len(names) == 1 else "the fastest dense"


def _mark_even(axes: Axes, data: pd.DataFrame) -> None:
    """Draw the line at 1, keep it in view, and shade the area below."""
    scale_axis(axes, "y", [*data["y"], 1.0])
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.8), max(high, 1.25))
    axes.axhline(1.0, color=EVEN, linewidth=1.3, zorder=1.5)
    axes.axhspan(axes.get_ylim()[0], 1.0, color="#f3f3f1", zorder=0)
    for text, y, side in (("faster than dense", 4, "bottom"), ("slower", -4, "top")):
        axes.annotate(
            text, (1.0, 1.0), xycoords=("axes fraction", "data"), xytext=(-4, y),
            textcoords="offset points", ha="right", va=side, size=8, color=FAINT, style="italic",
        )  # fmt: skip


def _mark_crossings(
    axes: Axes, judged: Mapping[Hashable, Crossings], lines: Mapping[Hashable, Line]
) -> None:
    """Draw a ring at each crossing."""
    for series, outcome in judged.items():
        for crossing in outcome.found:
            axes.plot(
                [crossing.tokens], [1.0], marker="o", markersize=9, markeredgewidth=2.0,
                color=lines[series].color, markerfacecolor="white", linestyle="none", zorder=5.5,
            )  # fmt: skip


def _remark(judged: Crossings) -> str:
    """The legend's text on a line's crossover; numbers beside the rings would overlap."""
    if judged.outcome == "overtakes":
        return f", ahead from {judged.found[0].tokens:,.0f}"
    if judged.outcome == "ahead" and judged.left_out:
        return ", ahead where measured well"
    if judged.outcome == "ahead" and not judged.points[0].side:
        return ", never behind"
    return REMARKS[judged.outcome]
