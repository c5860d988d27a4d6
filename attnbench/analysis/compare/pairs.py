"""Which record before is compared with which record after, and which may not be.

A cell is a workload under `Environment.conditions`. Neither the code nor
the protocol is part of it, nor the recipe: how a model was trained does not change what it costs.
Each side gives the newest record of each of its cells; epochs of a training are no cells.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields

from attnbench.analysis.naming import full_name
from attnbench.errors import UserError
from attnbench.records import CostRecord, Environment
from attnbench.spec import as_plain

Cell = tuple[str, Environment]
"""The workload as JSON, and its conditions."""
Pair = tuple[CostRecord, CostRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison."""

    name: str
    """What messages call it: the path that was read."""
    records: Sequence[CostRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Every cell of both sides: with its partner, or among those that have none."""

    both: tuple[Pair, ...]
    """(before, after)."""
    only_before: tuple[CostRecord, ...]
    only_after: tuple[CostRecord, ...]
    overtaken: int
    """Records left out because the same side holds a newer one of their cell."""


def pair(before: Side, after: Side, *, across_environments: bool = False) -> Pairs:
    """Pair the cells of both sides, those of like environments first.

    Raises:
        UserError: the sides have no cell in common, or have one in unlike environments only and
            `across_environments` is not set.
    """
    old, new = _newest(before.records), _newest(after.records)
    overtaken = len(before.records) + len(after.records) - len(old) - len(new)
    alike = [(old.pop(cell), new.pop(cell)) for cell in list(old) if cell in new]
    unlike = _pop_unlike(old, new)
    if unlike and not across_environments:
        raise UserError(_difference(unlike, before.name, after.name))
    if not alike and not unlike:
        raise UserError(
            f"no workload is in both: {_holds(before.name, old)}; {_holds(after.name, new)}"
        )
    return Pairs(
        both=(*alike, *unlike),
        only_before=tuple(old.values()),
        only_after=tuple(new.values()),
        overtaken=overtaken,
    )


def _newest(records: Iterable[CostRecord]) -> dict[Cell, CostRecord]:
    """The newest record of each cell; of equally new ones the one that stands last."""
    newest: dict[Cell, CostRecord] = {}
    for record in records:
        cell = (_workload(record), record.environment.conditions)
        if cell not in newest or record.created >= newest[cell].created:
            newest[cell] = record
    return newest


def _workload(record: CostRecord) -> str:
    return json.dumps([record.kind, as_plain(record.workload)], sort_keys=True)


def _pop_unlike(old: dict[Cell, CostRecord], new: dict[Cell, CostRecord]) -> list[Pair]:
    """Take out the cells that share a workload but no conditions: the newest of each side."""
    last_old, last_new = _newest_cells(old), _newest_cells(new)
    both = [workload for workload in last_old if workload in last_new]
    return [(old.pop(last_old[workload]), new.pop(last_new[workload])) for workload in both]


def _newest_cells(records: dict[Cell, CostRecord]) -> dict[str, Cell]:
    """For each workload the cell that was measured last."""
    by_age = sorted(records, key=lambda cell: records[cell].created)
    return {cell[0]: cell for cell in by_age}


def _difference(unlike: Sequence[Pair], before: str, after: str) -> str:
    """What differs, on which side."""
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
        f"{cells} measured in unlike environments: {'; '.join(differing)}; measure both sides "
        "alike, or give --across-environments"
    )


def _values(values: Iterable[Hashable]) -> str:
    return " or ".join(sorted({str(value) or "none" for value in values}))


def _holds(name: str, cells: dict[Cell, CostRecord]) -> str:
    if not cells:
        return f"{name} holds no layer and no model"
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    return f"{name} holds {count} (the first: {full_name(next(iter(cells.values())))})"
