"""Table 1 (ImageNet classification): each row as reported, as published, and as counted here.

A row of the paper may have several systems here, or none. DeiT is plain and distilled;
AnchorFormer follows the authors' code, or is fitted to the printed budget. Systems that have no row
in the paper come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attnbench.errors import UserError
from attnbench.records import CostRecord, ModelRecord
from attnbench.registry import MODELS
from attnbench.reproduce import paper
from attnbench.reproduce.counting import OnCount, at, counts
from attnbench.reproduce.evidence import accuracy_text, trained_models
from attnbench.reproduce.row import Row, judged, reported, with_published

PAPER_PX = 224
FITTED = "fitted"
FITTED_NOTE = "fitted to the printed budget, so meeting it is no evidence"


def reproduce(
    path: Path, records: Sequence[CostRecord], on_count: OnCount = lambda done, total, name: None
) -> list[Row]:
    """The rows of table 1.

    Args:
        path: file of the counts; missing ones are made and appended.
        records: stored records, for the accuracy of trained models.
        on_count: called with (done, total, name of the next model).

    Raises:
        UserError: a table lacks a column or a row, or names a system that is not registered.
    """
    printed, systems = paper.table("table1"), paper.table("systems")
    _refuse_strangers(printed, systems)
    workloads = [at(s["name"], side) for s in systems for side in _sides(s)]
    counted = {
        (_name(record), _side(record)): record for record in counts(workloads, path, on_count)
    }
    rows = []
    for line in printed:
        own = [s for s in systems if s["table1_row"] == line["model"]]
        rows += [_row(line, s, counted, records) for s in own] or [_without_system(line)]
    return rows + [_row({}, s, counted, records) for s in systems if not s["table1_row"]]


def _refuse_strangers(printed: Sequence[paper.Row], systems: Sequence[paper.Row]) -> None:
    """Raise an error that names the line of `systems.csv` with an unknown model or row."""
    rows = {line["model"] for line in printed}
    for system in systems:
        MODELS.find(system["name"])
        if system["table1_row"] and system["table1_row"] not in rows:
            raise UserError(
                f"systems.csv: {system['name']} is said to be row {system['table1_row']!r} of "
                "table1.csv, which has no such row; correct one of them"
            )


def _native(system: paper.Row) -> int:
    return int(paper.number(system["native_px"]) or PAPER_PX)


def _sides(system: paper.Row) -> list[int]:
    return sorted({_native(system), PAPER_PX})


def _name(record: ModelRecord) -> str:
    return getattr(record.workload, "model", "")


def _side(record: ModelRecord) -> int:
    return int(getattr(record.workload, "img_size", (0,))[0])


def _without_system(line: paper.Row) -> Row:
    return replace(reported(line, line["model"]), verdict="no system here", note=line["notes"])


def _row(
    line: paper.Row,
    system: paper.Row,
    counted: dict[tuple[str, int], ModelRecord],
    records: Sequence[CostRecord],
) -> Row:
    name, native = system["name"], _native(system)
    at_224 = counted[name, PAPER_PX].macs
    row = replace(
        with_published(reported(line, line.get("model") or system["measured_row"]), system),
        system=name,
        native_px=native,
        macs_at_224=at_224.products_macs if at_224 else None,
        trained=accuracy_text(trained_models(records, [name])),
    )
    row = judged(row, line, counted[name, native])
    if system["kind"] != FITTED or row.verdict == "failed":
        return row
    note = "; ".join(filter(None, (FITTED_NOTE, row.note)))
    return replace(row, verdict="fitted", note=note)
