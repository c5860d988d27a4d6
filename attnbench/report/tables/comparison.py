"""A comparison as text: heading, rows, notes, summary, and all of them in Markdown.

The heading lists the facts that all cells share. Each row has a cell's name and its other facts.
"""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.analysis.compare.poor import commands_for
from attnbench.analysis.compare.rule import NO_FLOOR
from attnbench.analysis.compare.score_text import lines_of
from attnbench.analysis.compare.verdict import (
    WORST_FIRST,
    Change,
    Comparison,
    net_peak_of,
    products_of,
)
from attnbench.analysis.keys import machine_of
from attnbench.analysis.naming import MachineNames, distinct, facts_of, name_of
from attnbench.analysis.shortened import MOST_NAMED, some_of
from attnbench.records import CostRecord
from attnbench.records.latency import Ratio
from attnbench.report.tables.markdown import in_markdown, table_lines
from attnbench.units import METRICS, format_number, format_percent

MISSING = "–"
ALL_CELLS = "--json prints all cells"
HEADS = ("cell", "before", "after", "after ÷ before [95 %]", "verdict", "memory", "MACs", "params")
NUMERIC = (False, True, True, True, False, False, False, False)


def heading(comparison: Comparison, facts: Facts | None = None) -> str:
    """The two sides, and the facts that all cells share."""
    sides = f"{comparison.before} (before), {comparison.after} (after)"
    shared = ", ".join((facts or Facts(comparison)).shared)
    return f"{sides}: {shared}" if shared else sides


def rows(
    comparison: Comparison, most: int | None = None, facts: Facts | None = None
) -> list[tuple[str, ...]]:
    """One row of text per cell, the worst first, in the columns of `HEADS`.

    Args:
        comparison: the cells.
        most: the most rows to give; None for all.
        facts: those of the comparison; None to find them.
    """
    facts = facts or Facts(comparison)
    shown = comparison.changes[:most]
    names = distinct({number: facts.name(one) for number, one in enumerate(shown)})
    return [_row(change, names[number]) for number, change in enumerate(shown)]


def cut_note(comparison: Comparison, shown: int) -> str:
    """That a table has the first rows only, and where the others are."""
    total = len(comparison.changes)
    return f"the first {shown:,} of {total:,} cells, the worst first; {ALL_CELLS}"


def _row(change: Change, name: str) -> tuple[str, ...]:
    before, after = change.before, change.after
    return (
        name,
        _latency(before),
        _latency(after),
        _ratio(change.ratio),
        change.verdict,
        _moved("memory_bytes", change.memory, net_peak_of(before), net_peak_of(after)),
        _moved("macs", change.macs, products_of(before), products_of(after)),
        _moved("params", change.params, before.params, after.params),
    )


class Facts:
    """The facts of each cell, and those that all of them share, in reading order.

    Heading, rows and notes take one, since finding what thousands of cells share takes a second.
    """

    def __init__(self, comparison: Comparison) -> None:
        records = [record for change in comparison.changes
                   for record in (change.before, change.after)]  # fmt: skip
        alone = (*comparison.only_before, *comparison.only_after)
        self._machines = MachineNames(dict.fromkeys(machine_of(one) for one in (*records, *alone)))
        every = [self._all(change) for change in comparison.changes]
        by_all = set(every[0]).intersection(*every[1:]) if every else set()
        self.shared = [fact for fact in every[0] if fact in by_all] if every else []

    def name(self, change: Change) -> str:
        """The name of a cell, with the facts that it does not share."""
        own = [fact for fact in self._all(change) if fact not in self.shared]
        return ", ".join((name_of(change.after.workload), *own))

    def name_alone(self, record: CostRecord, side: str) -> str:
        """The name of a cell without a partner, with the facts that it does not share."""
        machine = self._machines.machine(machine_of(record))
        own = [fact for fact in facts_of(record) if fact not in self.shared]
        known = machine in self.shared or f"{side} on {machine}" in self.shared
        return ", ".join((name_of(record.workload), *own, *([] if known else [machine])))

    def _all(self, change: Change) -> list[str]:
        before, after = (
            self._machines.machine(machine_of(one)) for one in (change.before, change.after)
        )
        machines = [after] if before == after else [f"before on {before}", f"after on {after}"]
        hosts = change.before.host, change.after.host
        if hosts[0] != hosts[1]:
            machines.append("hosts " + " and ".join(host or "not named" for host in hosts))
        return [*facts_of(change.after), *machines]


def _latency(record: CostRecord) -> str:
    if record.status != "ok":
        return record.status.replace("_", " ")
    return MISSING if record.latency is None else _format("latency_s", record.latency.median_s)


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return MISSING
    value = _format("speedup", ratio.value)
    if ratio.interval is None:
        return value
    low, high = (_format("speedup", bound).removesuffix("×") for bound in ratio.interval)
    return f"{value} [{low} – {high}]"


def _moved(metric: str, verdict: str, before: int | None, after: int | None) -> str:
    """A verdict, with the values if they differ; exact values if rounding hides the difference."""
    if verdict in ("same", "equal"):
        return verdict
    if before is None and after is None:
        return MISSING
    rounded = [MISSING if value is None else _format(metric, value) for value in (before, after)]
    old, new = rounded if rounded[0] != rounded[1] else (f"{before:,}", f"{after:,}")
    return f"{verdict}: {old} → {new}"


def _format(metric: str, value: float) -> str:
    return METRICS[metric].format(value)


def notes(comparison: Comparison, facts: Facts | None = None) -> list[str]:
    """The notes below the table: reasons, cells without a partner, and the rule."""
    facts = facts or Facts(comparison)
    lines = [*lines_of(comparison.scores), *_reasons(comparison.changes, facts)]
    lines += _again(comparison.changes)
    alone = [facts.name_alone(record, "before") for record in comparison.only_before]
    if alone:
        lines.append(f"only in {comparison.before} (before): {_some(alone)}")
    alone = [facts.name_alone(record, "after") for record in comparison.only_after]
    if alone:
        lines.append(f"only in {comparison.after} (after): {_some(alone)}")
    if comparison.overtaken:
        lines.append(f"older records of the same cells, left out: {comparison.overtaken}")
    rules = [_rule(comparison), *_floors(comparison.changes)] if comparison.changes else []
    return [*lines, *rules]


def _reasons(changes: Sequence[Change], facts: Facts) -> list[str]:
    """One line per reason, with the cells it applies to."""
    by_reason: dict[str, list[str]] = {}
    for change in changes:
        if change.reason:
            by_reason.setdefault(change.reason, []).append(facts.name(change))
    lines = [f"{_some(names)}: {reason}" for reason, names in by_reason.items()]
    return _first(lines, "reasons")


def _some(names: Sequence[str]) -> str:
    return some_of(names, between="; ")


def _first(lines: Sequence[str], what: str) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - MOST_NAMED
    return [
        *lines[:MOST_NAMED],
        *([f"and {more:,} more {what}; {ALL_CELLS}"] if more > 0 else []),
    ]


def _again(changes: Sequence[Change]) -> list[str]:
    """What to run for the cells that were not measured well enough, on either side."""
    poor = [change.after for change in changes if change.poor]
    lines = [f"to measure them again, run `{command}`" for command in commands_for(poor)]
    return _first(lines, "commands")


def _rule(comparison: Comparison) -> str:
    relative = f"{100 * comparison.thresholds.relative:g} %"
    absolute = _format("latency_s", comparison.thresholds.absolute_s)
    return (
        f"slower, faster: the whole 95 % interval is beyond both {relative} and {absolute}; "
        "same: it is within one of the two; cannot tell: anything else, and all that is graded C"
    )


def _floors(changes: Sequence[Change]) -> list[str]:
    """A note on the resolution floor of the machine, or on what holds without one."""
    floors = [change.floor for change in changes if change.floor is not None]
    if not floors:
        return [
            "no floor known: only a change by more than a factor of "
            f"{format_number(1 + NO_FLOOR)} is called slower or faster; run `attnbench doctor` and "
            "measure again, for a finer one"
        ]
    texts = list(dict.fromkeys(format_percent(floor) for floor in (min(floors), max(floors))))
    return [
        f"resolution floor of this machine (attnbench doctor): {' to '.join(texts)}; "
        "a smaller change is never called slower or faster"
    ]


def summary(comparison: Comparison) -> str:
    """One line: the number of cells per verdict, and other changes."""
    counts = comparison.counts
    verdicts = [f"{counts[verdict]} {verdict}" for verdict in WORST_FIRST if counts[verdict]]
    others = {
        "memory": ("more", "less"),
        "MACs or params": ("changed",),
        "without a partner": ("missing", "new"),
        "scores": ("better", "worse"),
    }
    parts = [", ".join(verdicts)] if verdicts else []
    for about, keys in others.items():
        found = [f"{counts[key]} {key}" for key in keys if counts[key]]
        parts += [f"{about}: {', '.join(found)}"] if found else []
    number = len(comparison.changes)
    models = len(comparison.scores.changes)
    scored = f" and {models} trained model{'' if models == 1 else 's'}" if models else ""
    told = f": {'; '.join(parts)}" if parts else ""
    return f"{number} cell{'' if number == 1 else 's'}{scored} compared{told}"


def markdown(comparison: Comparison) -> str:
    """Heading, table, notes and summary in GitHub's Markdown."""
    facts = Facts(comparison)
    cells = rows(comparison, facts=facts)
    lines = [*table_lines(HEADS, NUMERIC, cells), ""] if cells else []
    listed = [f"- {in_markdown(note)}" for note in notes(comparison, facts)]
    head, last = in_markdown(heading(comparison, facts)), in_markdown(summary(comparison))
    parts = [head, "", *lines, *listed, "", f"**{last}**"]
    return "\n".join(parts)
