"""Rows of `bench.py` (numbers with their aims), and how much is measured for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attnbench.benchmark.grid import FAMILIES, layer_workloads
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import Protocol, Workload


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    turns: int
    """How often our timer and theirs take turns."""
    ours: Protocol
    theirs_s: tuple[float, float]
    """Least and most seconds of torch's timer in a turn."""
    comparisons: int
    """Number of comparisons of each kind."""
    comparison: Protocol
    run: Protocol
    """The operator by itself, for the floor."""
    nothing: Protocol
    millisecond: Protocol
    """Samples of a call that does nothing and of one of 1 ms, for the overhead of a sample."""
    workloads: Sequence[Workload]
    cell: Protocol
    series: int
    """Simulated series of each kind, for the coverage of intervals."""


def full_effort() -> Effort:
    """The effort of `make bench`: ten minutes on two cores."""
    return Effort(
        turns=5,
        ours=Protocol(warmup_s=0.1, precision=0.002, time_budget_s=0.4, cache="warm"),
        theirs_s=(0.2, 1.0),
        comparisons=20,
        comparison=Protocol(warmup_s=0.05, min_samples=100, precision=0.005, time_budget_s=1.5),
        run=Protocol(warmup_s=0.05, time_budget_s=1.0),
        nothing=Protocol(min_samples=20_000),
        millisecond=Protocol(min_samples=500),
        workloads=sixty_cells(),
        cell=Protocol(warmup_s=0.02, min_samples=10, precision=0.1, time_budget_s=0.1),
        series=400,
    )


def sixty_cells() -> list[Workload]:
    """Ten small cells on each of six grids."""
    grids = [(side, side) for side in (4, 6, 8, 10, 12, 14)]
    return layer_workloads(FAMILIES, grids, {"num_anchors": (5, 20)}, dim=96)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number with its aim."""

    what: str
    measured: str
    aim: str = ""
    outcome: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """What was measured, in base units."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows that were measured under the same conditions."""

    title: str
    conditions: str
    rows: Sequence[Row]


def section_lines(section: Section) -> list[str]:
    """Markdown of a section: title, conditions, and a table of its rows."""
    heads = ("what", "measured", "aim", "outcome")
    rows = [(row.what, row.measured, row.aim, row.outcome) for row in section.rows]
    table = table_lines(heads, (False,) * len(heads), rows)
    return [f"## {section.title}", "", section.conditions, "", *table]


def met(reached: bool) -> str:
    """The outcome of an aim, in a word."""
    return "met" if reached else "missed"
