"""Figures of cost against tokens, and against the sweepable options of mechanisms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from attnbench.analysis.growth.curves import squarest
from attnbench.analysis.keys import OptionSeries
from attnbench.analysis.naming import distinct, series_name
from attnbench.report.figures.colours import Line, lines_of, plain_lines
from attnbench.report.figures.drawing import (
    INTERVAL_NOTE,
    NO_LINE,
    Drawing,
    conditions_slug,
    faded,
    forward_only,
    why_missing,
)
from attnbench.report.figures.line_plot import against
from attnbench.report.figures.style import slug
from attnbench.report.page.limits import legible, listed
from attnbench.units import METRICS

LAYER_METRICS = ("latency_s", "memory_bytes", "macs")
_IN_FILE = "in layers.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """The horizontal axis of a figure."""

    name: str
    column: str
    section: str


_TOKENS = _Axis(name="tokens", column="tokens", section="tokens")


def on_lines(group: pd.DataFrame) -> pd.DataFrame:
    """The squarest grid of each token count, for `series` with two or more token counts."""
    rows = squarest(group)
    rows = rows.assign(series=rows["implementation_key"])
    return varying(rows, "tokens")


def varying(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of each `series` in which the column has two or more values."""
    values = Counter(rows.drop_duplicates(["series", column])["series"])
    return rows[rows["series"].map(lambda series: values[series] > 1).astype(bool)]


def against_tokens(layers: pd.DataFrame) -> Iterator[Drawing]:
    """One figure per metric and set of conditions."""
    for _, group in layers.groupby("conditions_key", sort=False):
        lines = on_lines(group)
        omitted = _names_of(group[~group.index.isin(lines.index)])
        rows, remark = legible(lines)
        notes = " ".join(filter(None, (omitted, remark)))
        yield from _line_figures(rows, _TOKENS, lines_of(rows), notes)


def against_options(layers: pd.DataFrame, options: Mapping[str, str]) -> Iterator[Drawing]:
    """The same against each sweepable option; `options` maps its name to its column."""
    for option, column in options.items():
        x = _Axis(name=option, column=column, section="options")
        numbers = layers[pd.to_numeric(layers[column], errors="coerce").notna()]
        for _, group in numbers.groupby("conditions_key", sort=False):
            rows = _along(group, option)
            rows, remark = legible(varying(rows, column))
            yield from _line_figures(rows, x, plain_lines(rows), remark)


def _along(group: pd.DataFrame, option: str) -> pd.DataFrame:
    """The rows with `series` and `label` of a line along which only the option varies."""
    keys = [
        OptionSeries(rest=key.without(option), grid=(height, width))
        for key, height, width in zip(
            group["implementation_key"], group["height"], group["width"], strict=True
        )
    ]
    names = distinct({key: series_name(key) for key in dict.fromkeys(keys)})
    labels = [names[key] for key in keys]
    return group.assign(series=pd.Series(keys, index=group.index, dtype="object"), label=labels)


def _line_figures(
    rows: pd.DataFrame, x: _Axis, lines: Mapping[Hashable, Line], omitted: str = ""
) -> Iterator[Drawing]:
    """One figure per metric that was measured in two or more cells."""
    for metric in LAYER_METRICS:
        if rows[metric].notna().sum() < 2:
            continue
        name, subtitle = METRICS[metric].label, rows["conditions"].iloc[0]
        title = f"{name[0].upper()}{name[1:]} against {x.name}"
        note = " ".join(filter(None, (_note(rows, metric), omitted)))
        yield Drawing(
            section=x.section,
            name=f"{metric.split('_')[0]}-against-{slug(x.name)}-{conditions_slug(rows.iloc[0])}",
            title=title,
            subtitle=subtitle,
            figure=against(
                rows, x.column, x.name, metric, lines, title=title, subtitle=subtitle, footnote=note
            ),
        )


def _note(rows: pd.DataFrame, metric: str) -> str:
    """The footnote: what the bands mean, and which cells have no number."""
    parts = []
    if metric == "latency_s" and rows["latency_low_s"].notna().any():
        parts.append(INTERVAL_NOTE)
    if metric == "latency_s":
        parts.append(faded(rows) and f"{faded(rows)} {NO_LINE}")
    if metric == "macs":
        parts.append(forward_only(rows))
    failures = [_failure(row) for row in rows[rows[metric].isna()].itertuples()]
    if failures:
        parts.append(f"Without a number: {'; '.join(listed(failures, _IN_FILE))}.")
    return " ".join(filter(None, parts))


def _names_of(omitted: pd.DataFrame) -> str:
    if omitted.empty:
        return ""
    names = ", ".join(
        listed(list(omitted.drop_duplicates("implementation_key")["label"]), _IN_FILE)
    )
    return f"Only in the table (one token count, or a less square grid): {names}."


def _failure(row: object) -> str:
    status = why_missing(getattr(row, "status", ""))
    return f"{getattr(row, 'label', '')} at {getattr(row, 'tokens', 0):,} tokens ({status})"
