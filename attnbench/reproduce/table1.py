"""Table 1 (ImageNet classification): each row as reported, as published, and as counted here.

A row of the paper may have several systems here, or none. DeiT is plain and distilled;
AnchorFormer follows the authors' code, or is fitted to the printed budget. Of systems that are not
built here, the counts of their own code stand in `measured.csv`. Systems that have no row in the
paper come last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from attnbench.errors import UserError
from attnbench.records import CostRecord, ModelRecord
from attnbench.registry import MODELS
from attnbench.reproduce import paper
from attnbench.reproduce.counting import CountFirst, OnCount, at, counts
from attnbench.reproduce.evidence import accuracy_text, trained_models
from attnbench.reproduce.row import (
    Row,
    accuracies,
    judged,
    reported,
    with_published,
    with_verdict,
)
from attnbench.reproduce.source_checks import COUNTED, measured
from attnbench.reproduce.span import printed
from attnbench.spec import ModelWorkload

PAPER_PX = 224
FITTED = "fitted"
ELSEWHERE = "elsewhere"
ELSEWHERE_NOTE = "not built here; counts of its own code, made when the tables were collected"
_IN_LEVIT = (
    "reported only: how its attention stands in LeViT, whose keys and values have other widths and "
    "whose layers shrink the map, is not described"
)
REPORTED_ONLY = {
    "CastlingViT-192": _IN_LEVIT,
    "CastlingViT-384": _IN_LEVIT,
    "CastlingViT-S": "reported only: no trunk of that size is described",
}
"""Why a row of the paper cannot be built from what is published."""
ANCHOR_KINDS = ("authors' code", FITTED)
"""Systems whose attention also has the folded order of the products."""
FOLDED = "folded"
FITTED_NOTE = "fitted to the printed budget, so meeting it is no evidence"


def reproduce(
    path: Path,
    records: Sequence[CostRecord],
    on_count: OnCount = lambda done, total, name: None,
    count_first: CountFirst | None = None,
) -> list[Row]:
    """The rows of table 1.

    Args:
        path: file of the counts; missing ones are made and appended.
        records: stored records, for the accuracy of trained models.
        on_count: called with (done, total, name of the next model).
        count_first: see `counting.counts`.

    Raises:
        UserError: a table lacks a column or a row, or names a system that is not registered.
    """
    lines, systems = paper.table("table1"), paper.table("systems")
    _refuse_strangers(lines, systems)
    workloads = [w for s in systems if s["name"] for w in _workloads(s)]
    counted = {_key(r.workload): r for r in counts(workloads, path, on_count, count_first)}
    rows = []
    for line in lines:
        own = [s for s in systems if s["table1_row"] == line["model"]]
        rows += [_row(line, s, counted, records) for s in own] or [_unknown(line)]
    return rows + [_row({}, s, counted, records) for s in systems if not s["table1_row"]]


def _refuse_strangers(lines: Sequence[paper.Row], systems: Sequence[paper.Row]) -> None:
    """Raise an error that names the line of `systems.csv` with an unknown model or row."""
    rows = {line["model"] for line in lines}
    for system in systems:
        if system["kind"] != ELSEWHERE:
            MODELS.find(system["name"])
        if system["table1_row"] and system["table1_row"] not in rows:
            raise UserError(
                f"systems.csv: {system['name']} is said to be row {system['table1_row']!r} of "
                "table1.csv, which has no such row; correct one of them"
            )


def _native(system: paper.Row) -> int:
    return int(paper.number(system["native_px"]) or PAPER_PX)


def _workloads(system: paper.Row) -> list[ModelWorkload]:
    """At the native size, at 224 px, and with folded products where the attention has them."""
    name = system["name"]
    plain = [at(name, side) for side in sorted({_native(system), PAPER_PX})]
    return [*plain, at(name, PAPER_PX, FOLDED)] if system["kind"] in ANCHOR_KINDS else plain


def _key(workload: ModelWorkload) -> tuple[str, int, bool]:
    """Name, side, and whether products are folded."""
    return workload.model, workload.img_size[0], bool(workload.options)


def _unknown(line: paper.Row) -> Row:
    """A row of which nothing is known but what the paper prints."""
    said = REPORTED_ONLY.get(line["model"], "no system here, and no known source")
    note = "; ".join(filter(None, (said, line["notes"])))
    return replace(reported(line, line["model"]), verdict="cannot be tested here", note=note)


def _elsewhere(line: paper.Row, system: paper.Row) -> Row:
    """A row of a system that is not built here."""
    row, count = with_published(reported(line, line["model"]), system), measured(system)
    found = {c: printed(count[other]) for c, other in COUNTED.items() if count.get(other)}
    if found:
        row = replace(
            row,
            params=round(found["params_M"].value * 1e6),
            macs=round(found["flops_G"].value * 1e9),
            native_px=_native(system),
        )
    row = with_verdict(row, line, {**found, **accuracies(system)})
    said = ELSEWHERE_NOTE if found else REPORTED_ONLY.get(line["model"], "not built here")
    return replace(row, note="; ".join(filter(None, (said, row.note))))


def _row(
    line: paper.Row,
    system: paper.Row,
    counted: Mapping[tuple[str, int, bool], ModelRecord],
    records: Sequence[CostRecord],
) -> Row:
    if system["kind"] == ELSEWHERE:
        return _elsewhere(line, system)
    name, native = system["name"], _native(system)
    row = replace(
        with_published(reported(line, line.get("model") or system["measured_row"]), system),
        system=name,
        native_px=native,
        macs_at_224=_macs(counted[name, PAPER_PX, False]),
        folded_macs=_macs(counted.get((name, PAPER_PX, True))),
        trained=accuracy_text(trained_models(records, [name])),
    )
    row = judged(row, line, counted[name, native, False], system)
    if system["kind"] != FITTED or row.verdict == "failed":
        return row
    note = "; ".join(filter(None, (FITTED_NOTE, row.note)))
    return replace(row, verdict="fitted", note=note)


def _macs(record: ModelRecord | None) -> int | None:
    return record.macs.products_macs if record and record.macs else None
