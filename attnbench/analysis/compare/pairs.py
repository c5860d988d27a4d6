"""Pair each record before with the record of the same cell after.

A cell is a workload under `Environment.conditions`. The code, the protocol and the recipe are not
part of it: how a model was trained does not change what it costs. Each side contributes the newest
record of each of its cells. Epochs of a training run are not compared.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from attnbench.analysis.naming import full_name
from attnbench.errors import UserError
from attnbench.records import CostRecord, Environment
from attnbench.spec import identity

Cell = tuple[Hashable, Environment]
"""The identity of the workload, and its conditions."""
Pair = tuple[CostRecord, CostRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison."""

    name: str
    """The path that was read; messages use it as the name of the side."""
    records: Sequence[CostRecord]
    paths: Sequence[Path] = ()
    """The files and folders that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Every cell of both sides, paired or unpaired."""

    both: tuple[Pair, ...]
    """(before, after)."""
    only_before: tuple[CostRecord, ...]
    only_after: tuple[CostRecord, ...]
    overtaken: int
    """Records left out because the same side holds a newer one of their cell."""


def pair(
    before: Side, after: Side, *, across_environments: bool = False, may_be_none: bool = False
) -> Pairs:
    """Pair the cells of both sides, those with equal conditions first.

    Raises:
        UserError: the sides share no workload while `may_be_none` is not set, or share one only
            under different conditions while `across_environments` is not set.
    """
    old, new = _newest(before.records), _newest(after.records)
    overtaken = len(before.records) + len(after.records) - len(old) - len(new)
    alike = [(old.pop(cell), new.pop(cell)) for cell in list(old) if cell in new]
    unlike = _pop_unlike(old, new)
    if unlike and not across_environments:
        raise UserError(_difference(unlike, before.name, after.name))
    if not (alike or unlike or may_be_none):
        raise UserError(
            f"no workload is in both: {_holds(before.name, old)}; {_holds(after.name, new)}; "
            "measure the same workloads on both sides"
        )
    return Pairs(
        both=(*alike, *unlike),
        only_before=tuple(old.values()),
        only_after=tuple(new.values()),
        overtaken=overtaken,
    )


def _newest(records: Iterable[CostRecord]) -> dict[Cell, CostRecord]:
    """The newest record of each cell; among equally new ones, the last."""
    newest: dict[Cell, CostRecord] = {}
    for record in records:
        cell = (identity(record.workload), record.environment.conditions)
        if cell not in newest or record.created >= newest[cell].created:
            newest[cell] = record
    return newest


def _pop_unlike(old: dict[Cell, CostRecord], new: dict[Cell, CostRecord]) -> list[Pair]:
    """Remove and pair the newest cells of workloads measured only under different conditions."""
    last_old, last_new = _newest_cells(old), _newest_cells(new)
    both = [workload for workload in last_old if workload in last_new]
    return [(old.pop(last_old[workload]), new.pop(last_new[workload])) for workload in both]


def _newest_cells(records: dict[Cell, CostRecord]) -> dict[Hashable, Cell]:
    """The cell measured last, for each workload."""
    by_age = sorted(records, key=lambda cell: records[cell].created)
    return {cell[0]: cell for cell in by_age}


def _difference(unlike: Sequence[Pair], before: str, after: str) -> str:
    """The error message: which conditions differ, and their value on each side."""
    differing = []
    both = [(old.environment.conditions, new.environment.conditions) for old, new in unlike]
    for name in (field.name for field in fields(Environment)):
        pairs = [(getattr(old, name), getattr(new, name)) for old, new in both]
        apart = [(old, new) for old, new in pairs if old != new]
        if apart:
            old, new = (_values(values) for values in zip(*apart, strict=True))
            differing.append(f"{name.replace('_', ' ')} is {old} in {before}, {new} in {after}")
    cells = "1 cell was" if len(unlike) == 1 else f"{len(unlike)} cells were"
    return (
        f"{cells} measured in different environments: {'; '.join(differing)}; measure both sides "
        "in the same environment, or give --across-environments"
    )


def _values(values: Iterable[Hashable]) -> str:
    return " or ".join(sorted({str(value) or "none" for value in values}))


def _holds(name: str, cells: dict[Cell, CostRecord]) -> str:
    if not cells:
        return f"{name} holds no layers or models"
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    return f"{name} holds {count} (the first: {full_name(next(iter(cells.values())))})"
