"""Cost against tokens, and against anchors: a line for each mechanism and implementation."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from attnbench.analysis.growth.curves import squarest
from attnbench.report.figures import plots
from attnbench.report.figures.drawing import Drawing, faded, forward_only, place
from attnbench.report.figures.style import Line, lines_of
from attnbench.report.page.limits import legible, listed
from attnbench.units import METRICS

LAYER_METRICS = ("latency_s", "memory_bytes", "macs")
_IN_FILE = "in layers.csv"


def on_lines(group: pd.DataFrame) -> pd.DataFrame:
    """The squarest grid of each token count, for what was asked at two token counts or more."""
    rows = squarest(group)
    return rows[rows.groupby("label")["tokens"].transform("nunique") > 1]


def against_tokens(layers: pd.DataFrame) -> Iterator[Drawing]:
    """A figure of each metric for each set of conditions."""
    for _, group in layers.groupby("conditions", sort=False):
        lines = on_lines(group)
        omitted = _names_of(group[~group.index.isin(lines.index)])
        rows, remark = legible(lines)
        notes = " ".join(filter(None, (omitted, remark)))
        yield from _line_figures(rows, "tokens", lines_of(rows), notes)


def against_anchors(layers: pd.DataFrame) -> Iterator[Drawing]:
    """The same over anchor counts, at each token count."""
    for _, group in layers.dropna(subset=["anchors"]).groupby("conditions", sort=False):
        rows = group.assign(label=[_series(row) for row in group.itertuples()])
        lines = rows[rows.groupby("label")["anchors"].transform("nunique") > 1]
        rows, remark = legible(lines)
        yield from _line_figures(rows, "anchors", plots.plain_lines(rows), remark)


def _series(row: object) -> str:
    """What stays the same along a line over anchors."""
    options = getattr(row, "other_options", "")
    details = ", ".join(part for part in (getattr(row, "impl", ""), options) if part)
    height, width = getattr(row, "height", 0), getattr(row, "width", 0)
    return f"{getattr(row, 'attention', '')} ({details}), {height} × {width}"


def _line_figures(
    rows: pd.DataFrame, x: str, lines: dict[str, Line], omitted: str = ""
) -> Iterator[Drawing]:
    """One figure for each metric that was measured at two places or more."""
    for metric in LAYER_METRICS:
        if rows[metric].notna().sum() < 2:
            continue
        name, subtitle = METRICS[metric].label, rows["conditions"].iloc[0]
        title = f"{name[0].upper()}{name[1:]} against {x}"
        note = " ".join(filter(None, (_note(rows, metric), omitted)))
        yield Drawing(
            section=x,
            name=f"{metric.split('_')[0]}-against-{x}-{place(rows.iloc[0])}",
            title=title,
            subtitle=subtitle,
            figure=plots.against(
                rows, x, metric, lines, title=title, subtitle=subtitle, footnote=note
            ),
        )


def _note(rows: pd.DataFrame, metric: str) -> str:
    """What a reader must know of the lines: their bands, and the cells that are not on them."""
    parts = []
    if metric == "latency_s" and rows["latency_low_s"].notna().any():
        parts.append(plots.INTERVAL_NOTE)
    if metric == "latency_s":
        parts.append(faded(rows))
    if metric == "macs":
        parts.append(forward_only(rows))
    failures = [_failure(row) for row in rows[rows[metric].isna()].itertuples()]
    if failures:
        parts.append(f"Without a number: {'; '.join(listed(failures, _IN_FILE))}.")
    return " ".join(filter(None, parts))


def _names_of(omitted: pd.DataFrame) -> str:
    if omitted.empty:
        return ""
    names = ", ".join(listed(list(dict.fromkeys(omitted["label"])), _IN_FILE))
    return f"In the table only (one token count, or a longer grid): {names}."


def _failure(row: object) -> str:
    status = plots.why_missing(getattr(row, "status", ""))
    return f"{getattr(row, 'label', '')} at {getattr(row, 'tokens', 0):,} tokens ({status})"
