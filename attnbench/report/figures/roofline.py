"""Roofline figure: the MAC rate of each cell against MACs per byte, under its machine's roofs.

Bandwidth limits code that does few MACs per byte (the slanted roofs). The rate of matrix products
limits code that does many (the flat roof).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attnbench.report.figures.colours import Line
from attnbench.report.figures.style import FAINT, LOG_FROM, open_figure, scale_axis, settle
from attnbench.units import METRICS, format_bandwidth, format_mac_rate

FOOTNOTE = (
    "One point per token count, joined in order; larger markers mean more tokens. "
    "Filled: unfused code, placed by the bytes it moves. Hollow: fused code, placed by the least "
    "bytes that any code must move; the bytes it really moves are unknown and would put it further "
    "to the left. Roofs, measured on this machine: matrix products, copies larger than the caches, "
    "and the fastest copy."
)
_SCALE = METRICS["macs_per_s"].scale
_MARGIN = 2.0
"""Factor by which the axes extend beyond the outermost points."""
_SLANTED: dict[str, tuple[str, Any]] = {
    "roof_bytes_per_s": ("larger than the caches", "-"),
    "roof_cache_bytes_per_s": ("at best", (0, (5, 2))),
}
"""Name and dash of the two bandwidths."""


def roofline(
    rows: pd.DataFrame, lines: Mapping[Hashable, Line], *, title: str, subtitle: str, footnote: str
) -> Figure:
    """The cells under one set of conditions; `lines` holds the style of each `series`."""
    figure, (axes,) = open_figure(title, subtitle, footnote, width=8.6, height=4.8)
    _scale(axes, rows)
    _draw_roofs(axes, rows.iloc[0])
    for series, cells in rows.sort_values("tokens").groupby("series", sort=False):
        _draw_cells(axes, cells, lines[series], _sizes(cells, rows))
    axes.set(xlabel="MACs per byte moved", ylabel=METRICS["macs_per_s"].axis_label)
    _legend(axes, rows, lines)
    settle(figure)
    return figure


def _scale(axes: Axes, rows: pd.DataFrame) -> None:
    """Make both axes logarithmic, with room for all points and for the bends of the roofs."""
    first = rows.iloc[0]
    bends = [first["roof_macs_per_s"] / first[roof] for roof in _SLANTED]
    for name, values in (
        ("x", [*rows["macs_per_byte"], *bends]),
        ("y", [*(rows["macs_per_s"] * _SCALE), first["roof_macs_per_s"] * _SCALE]),
    ):
        high = max(values)
        low = min(*values, high / (1.1 * LOG_FROM))
        scale_axis(axes, name, [low, high])  # type: ignore[arg-type]
        axes.set(**{f"{name}lim": (low / _MARGIN, high * _MARGIN)})


def _draw_roofs(axes: Axes, row: pd.Series) -> None:
    """Draw the flat roof and, for each bandwidth, the slope up to it."""
    left, right = axes.get_xlim()
    flat = row["roof_macs_per_s"] * _SCALE
    x = np.geomspace(left, right, 200)
    for column, (_, dash) in _SLANTED.items():
        bandwidth = row[column] * _SCALE
        axes.plot(x, np.minimum(flat, bandwidth * x), color="#777777", linewidth=1.3,
                  linestyle=dash, zorder=2)  # fmt: skip
    axes.annotate(
        f"products: {format_mac_rate(row['roof_macs_per_s'])}", (right, flat), xytext=(-4, 4),
        textcoords="offset points", ha="right", va="bottom", size=8, color=FAINT,
    )  # fmt: skip


def _sizes(cells: pd.DataFrame, rows: pd.DataFrame) -> list[float]:
    """Marker sizes in points, by the rank of the token count among all rows."""
    counts = sorted(rows["tokens"].unique())
    step = 6.0 / max(1, len(counts) - 1)
    return [5.0 + step * counts.index(tokens) for tokens in cells["tokens"]]


def _draw_cells(axes: Axes, cells: pd.DataFrame, line: Line, sizes: list[float]) -> None:
    x, y = cells["macs_per_byte"], cells["macs_per_s"] * _SCALE
    axes.plot(x, y, color=line.color, linewidth=1.0, alpha=0.6, zorder=3)
    for here, there, size, fused in zip(x, y, sizes, cells["fused"], strict=True):
        axes.plot(
            here, there, linestyle="none", marker=line.marker, markersize=size, zorder=4,
            color=line.color, markerfacecolor="white" if fused else line.color,
            markeredgewidth=1.4, markeredgecolor=line.color if fused else "white",
        )  # fmt: skip


def _legend(axes: Axes, rows: pd.DataFrame, lines: Mapping[Hashable, Line]) -> None:
    first, drawn = rows.iloc[0], rows.drop_duplicates("series")
    handles = [
        Line2D([], [], color=lines[row.series].color, marker=lines[row.series].marker,
               markersize=7, linewidth=1.0, label=row.label,
               markerfacecolor="white" if row.fused else lines[row.series].color)
        for row in drawn.itertuples()
    ]  # fmt: skip
    for column, (words, dash) in _SLANTED.items():
        text = f"copies {words}: {format_bandwidth(first[column])}"
        handles.append(Line2D([], [], color="#777777", linewidth=1.3, linestyle=dash, label=text))
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False,
        borderaxespad=0.0,
    )  # fmt: skip
