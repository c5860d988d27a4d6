"""Keep the newest record of each cell, with notes on those left out.

A cell here is a workload under conditions. Code and protocol are not part of it: a cell measured
again by newer code or under another protocol stays one row.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch

from attnbench.records import EpochRecord, LayerRecord, ModelRecord, Record, RecordKind, of_type
from attnbench.spec import identity

Cell = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One record per cell, and notes on the records left out."""

    layers: list[LayerRecord]
    models: list[ModelRecord]
    epochs: list[EpochRecord]
    notes: tuple[str, ...]

    @property
    def records(self) -> list[Record]:
        """All shown records: layers, models, epochs."""
        return [*self.layers, *self.models, *self.epochs]


@singledispatch
def cell_of(record: Record) -> Cell:
    """The cell of a record. Models add recipe and scored images, epochs also run and number."""
    return record.kind, identity(record.workload), record.environment.conditions


@cell_of.register
def _(record: ModelRecord) -> Cell:
    scored_on = record.scores.scored_on if record.scores else ""
    return *_measured(record), record.recipe, scored_on


@cell_of.register
def _(record: EpochRecord) -> Cell:
    return *_measured(record), record.recipe, record.run, record.progress.epoch


_measured = cell_of.dispatch(Record)


def newest(records: Iterable[Record]) -> Shown:
    """The newest record of each cell, in the order in which the cells first appear."""
    by_cell: dict[Cell, list[Record]] = {}
    for record in records:
        by_cell.setdefault(cell_of(record), []).append(record)
    chosen = [_latest(cell) for cell in by_cell.values()]
    notes = [_note(kind, list(by_cell.values())) for kind in ("layer", "model", "epoch")]
    epochs = of_type(chosen, EpochRecord)
    kept = _without_overtaken(epochs)
    overtaken = len(epochs) - len(kept)
    if overtaken:
        notes.append(
            f"{_count(overtaken, 'epoch')} of an earlier attempt left out: the run was restarted "
            "and has not reached them again."
        )
    return Shown(
        layers=of_type(chosen, LayerRecord),
        models=of_type(chosen, ModelRecord),
        epochs=kept,
        notes=tuple(note for note in notes if note),
    )


def _latest(records: Sequence[Record]) -> Record:
    """The newest record; among equally new ones, the last in the files."""
    if len(records) == 1:
        return records[0]
    return max(enumerate(records), key=lambda pair: (pair[1].created, pair[0]))[1]


def _note(kind: RecordKind, cells: Sequence[Sequence[Record]]) -> str:
    repeated = [cell for cell in cells if len(cell) > 1 and cell[0].kind == kind]
    if not repeated:
        return ""
    older = sum(len(cell) for cell in repeated) - len(repeated)
    other_code = sum(len({record.environment.code for record in cell}) > 1 for cell in repeated)
    by_code = f" ({other_code} by different code of attnbench)" if other_code else ""
    return (
        f"{_count(len(repeated), f'{kind} cell')} measured more than once{by_code}: the newest "
        f"record of each is shown, {_count(older, 'older or equal one')} left out."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _without_overtaken(epochs: Sequence[EpochRecord]) -> list[EpochRecord]:
    """Drop epochs older than an earlier epoch of the same run: they are of a previous attempt."""
    runs: dict[Cell, list[EpochRecord]] = {}
    for record in epochs:
        runs.setdefault(cell_of(record)[:-1], []).append(record)
    overtaken = {id(record) for run in runs.values() for record in _overtaken(run)}
    return [record for record in epochs if id(record) not in overtaken]


def _overtaken(run: Sequence[EpochRecord]) -> list[EpochRecord]:
    dropped, newest_so_far = [], ""
    for record in sorted(run, key=lambda record: record.progress.epoch):
        if record.created < newest_so_far:
            dropped.append(record)
        newest_so_far = max(newest_so_far, record.created)
    return dropped
