"""The report as one Markdown text for a pull request, short enough for a comment (60 kB)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from attnbench.analysis.compare.verdict import Comparison
from attnbench.analysis.growth.curves import together
from attnbench.analysis.selection.leading import Series, leading
from attnbench.analysis.tradeoff.groups import COSTS, Tradeoff
from attnbench.report.page import limits
from attnbench.report.page.analysed import Analysed
from attnbench.report.page.changes import Changes, changes
from attnbench.report.page.data.tradeoffs import largest
from attnbench.report.page.first_screen import first_screen
from attnbench.report.tables import cost as tables
from attnbench.report.tables.columns import MISSING
from attnbench.report.tables.markdown import in_markdown, table_lines
from attnbench.units import METRICS

LONGEST = 60_000
"""Bytes that a comment on a pull request may have, with some room left."""
GROUPS = 2
"""Frontiers, and sets of conditions."""


def summary(found: Analysed, comparison: Comparison | None, cost: str) -> str:
    """What was measured, findings, the change, frontiers, layers and notes; cut to fit."""
    first = first_screen(found.frames, found.records, found.sources)
    facts = [first.what, first.where, first.when, f"from {first.sources}"]
    blocks = [
        ["# attnbench", "", in_markdown(" · ".join(filter(None, facts)))],
        [in_markdown(f"{first.warning}")] if first.warning else [],
        [f"- {in_markdown(one.text)}" for one in found.findings],
        _changes(changes(comparison)) if comparison else [],
        *(_frontier(group, cost) for group in largest(_several(found.groups[cost]), GROUPS)),
        *_layers(found.frames.layers),
        _listed("Notes", [note for kind in found.notes for note in kind.on_page()]),
        _listed("Lines that could not be read", limits.listed(found.problems, "in the terminal")),
    ]
    return _fitting([block for block in blocks if block])


def _fitting(blocks: Sequence[Sequence[str]]) -> str:
    """The blocks, up to the first that is too much; then a line says that there is more."""
    end = "The rest did not fit; `attnbench report` writes a page with all of it."
    parts: list[str] = []
    for block in blocks:
        text = "\n".join([*block, "", ""])
        if sum(len(part.encode()) for part in parts) + len(text.encode()) > LONGEST - len(end) - 2:
            return "".join([*parts, end, "\n"])
        parts.append(text)
    return "".join(parts).rstrip("\n") + "\n"


def _changes(found: Changes) -> list[str]:
    rows = found.rows[: limits.ROWS_OF_SUMMARY]
    notes = [f"- {in_markdown(note)}" for note in found.notes]
    return [
        "## Change", "", in_markdown(found.heading), "",
        *table_lines(found.heads, found.numeric, rows), "",
        *_more(len(found.rows) - len(rows)), *notes, "", f"**{in_markdown(found.summary)}**",
    ]  # fmt: skip


def _more(count: int) -> list[str]:
    return [f"and {count:,} more", ""] if count > 0 else []


def _several(groups: Sequence[Tradeoff]) -> list[Tradeoff]:
    return [group for group in groups if len(group.points) > 1]


def _frontier(group: Tradeoff, cost: str) -> list[str]:
    metric = METRICS[COSTS[cost]]
    places = sorted(range(len(group.points)), key=lambda at: group.points[at].cost)
    standings = group.standings
    rows = [
        (
            group.points[at].name, metric.format(group.points[at].cost),
            _score(group, at), str(group.points[at].seeds), standings[at].verdict,
        )
        for at in places[: limits.ROWS_OF_SUMMARY]
    ]  # fmt: skip
    heads = ("model", metric.label, group.score.label, "seeds", "standing")
    return [
        f"## {in_markdown(group.score.label)} against {metric.label}", "",
        in_markdown(group.subtitle), "",
        *table_lines(heads, (False, True, True, True, False), rows), "",
        *_more(len(places) - len(rows)),
    ]  # fmt: skip


def _score(group: Tradeoff, at: int) -> str:
    point, form = group.points[at], group.score.format
    if point.interval is None:
        return form(point.score)
    return f"{form(point.score)} [{form(point.interval[0])} – {form(point.interval[1])}]"


def _layers(layers: pd.DataFrame) -> list[list[str]]:
    """The leading implementation of each mechanism, under the first conditions."""
    shown = leading(layers) if not layers.empty else set()
    places = together(layers["conditions_key"].tolist())[:GROUPS]
    return [_conditions(layers.iloc[group], shown) for group in places]


def _conditions(rows: pd.DataFrame, shown: set[Series]) -> list[str]:
    keys = zip(rows["conditions_key"], rows["implementation_key"], strict=True)
    own = rows[[key in shown for key in keys]].sort_values(["tokens", "latency_s"])
    table = tables.layer_table(own).first(limits.ROWS_OF_SUMMARY, complete="layers.csv")
    wanted = ("attention", "impl", "options", "tokens", "MACs", "latency", "95 % interval",
              "trust", "net peak memory", "speed-up", "status")  # fmt: skip
    kept = [at for at, column in enumerate(table.columns) if column.head in wanted]
    heads = [table.columns[at].head for at in kept]
    numeric = [table.columns[at].numeric for at in kept]
    cells = [[row[at] or MISSING for at in kept] for row in table.rows]
    name = rows["conditions"].iloc[0]
    return [f"## {in_markdown(name)}", "", *table_lines(heads, numeric, cells)]


def _listed(title: str, items: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *(f"- {in_markdown(item)}" for item in items)] if items else []
