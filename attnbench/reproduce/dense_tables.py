"""Tables 2 and 3 (COCO detection, ADE20K segmentation): as printed, as published, as counted here.

The tables mix conventions: some rows print two operations for each multiply-accumulate. Which one a
row has stands in `systems_dense.csv`; the printed number is divided by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from attnbench.errors import UserError
from attnbench.records import CostRecord, ModelRecord
from attnbench.reproduce import paper
from attnbench.reproduce.counting import CountFirst, OnCount, counts
from attnbench.reproduce.dense_systems import (
    SCORES,
    backbone_macs,
    measured,
    operations_of,
    published,
    published_scores,
    row_of,
    systems_of,
    workload_of,
)
from attnbench.reproduce.evidence import accuracy_text, trained_models
from attnbench.reproduce.row import CELLS, Row, reported, with_verdict
from attnbench.reproduce.span import Span, combined, exact, printed

NAMES = {"table2": ("model",), "table3": ("backbone", "method")}
"""The columns that name a row of each table."""
RECONSTRUCTION = "reconstruction"
REPORTED_ONLY = "reported only"
OUR_READING = "our reading"
KINDS = {
    "fitted": "fitted to the printed budget, so meeting it is no evidence",
    RECONSTRUCTION: "a reconstruction: its detectors were never released; ours are fitted to the "
    "printed budget, so meeting it is no evidence, and no convention fits its three rows",
    OUR_READING: "the paper does not say which variant, so this count decides nothing",
    "whole windows": "rebuilt; tokens that pad maps to whole windows are not projected, which the "
    "published counts include (2.8 G in DAT-T, 4.8 G in Focal-T)",
    REPORTED_ONLY: "reported only",
}


def reproduce(
    table: str,
    path: Path,
    records: Sequence[CostRecord],
    on_count: OnCount = lambda done, total, name: None,
    count_first: CountFirst | None = None,
) -> list[Row]:
    """The rows of a table; systems that the paper does not have come last.

    Args:
        table: "table2" or "table3".
        path: file of the counts; missing ones are made and appended.
        records: stored records, for the scores of models trained here.
        on_count: called with (done, total, name of the next model).
        count_first: see `counting.counts`.

    Raises:
        UserError: a table lacks a column, or names a model that is not registered.
    """
    lines = {_name(table, line): line for line in paper.table(table)}
    systems = sorted(systems_of(table), key=lambda system: not row_of(system))
    named = [row_of(system) for system in systems]
    if strangers := [name for name in named if name and name not in lines]:
        raise UserError(f"systems_dense.csv: the paper has no row {strangers[0]!r}; correct it")
    if missing := [name for name in lines if name not in named]:
        raise UserError(f"systems_dense.csv: expected a line for the row {missing[0]!r}; add it")
    built = [system for system in systems if system["name"]]
    counted = counts([workload_of(system) for system in built], path, on_count, count_first)
    of = {s["name"]: count for s, count in zip(built, counted, strict=True)}
    return [_row(s, lines.get(row_of(s), {}), of.get(s["name"]), records) for s in systems]


table2, table3 = partial(reproduce, "table2"), partial(reproduce, "table3")


def _name(table: str, line: paper.Row) -> str:
    return ", ".join(line[column] for column in NAMES[table])


def _row(
    system: paper.Row,
    line: paper.Row,
    count: ModelRecord | None,
    records: Sequence[CostRecord],
) -> Row:
    """One system beside what the paper and its own source print."""
    operations = operations_of(system)
    row = reported(line, row_of(system) or system["published"] or system["name"])
    row = replace(
        row,
        system=system["name"],
        operations=operations if line else None,
        reported_macs=row.reported_macs and row.reported_macs / operations,
        reported_score=paper.scaled(line.get("mAP", line.get("mIoU", "")), 1e-2),
    )
    row = _with_published(row, system)
    found: dict[str, Span] = {}
    if count is not None:
        row = replace(row, trained=accuracy_text(trained_models(records, [system["name"]])))
        row, found = _with_count(row, system, count)
    if row.verdict == "failed":
        return row
    return _judged(row, system, line, found)


def _with_count(row: Row, system: paper.Row, count: ModelRecord) -> tuple[Row, dict[str, Span]]:
    """Add the count; return it by the columns of the paper too, by its convention."""
    row = replace(
        row,
        native_px=int(system["height"]) if system["height"] == system["width"] else None,
        picture=f"{system['height']} × {system['width']} px",
        backbone_macs=None if count.macs is None else backbone_macs(system),
    )
    if count.macs is not None and count.params is not None:
        params, macs = exact(count.params / 1e6), exact(count.macs.products_macs / 1e9)
    elif stored := measured(system):
        params, macs = stored["params_M"], stored["flops_G"]
        row = replace(row, note=f"counted before; to count it again: {count.reason}")
    else:
        return replace(row, verdict="failed", note=count.reason), {}
    row = replace(row, params=round(params.value * 1e6), macs=round(macs.value * 1e9))
    operations = operations_of(system)
    return row, {"params_M": params, "flops_G": combined(lambda g: operations * g, macs)}


def _judged(row: Row, system: paper.Row, line: paper.Row, found: Mapping[str, Span]) -> Row:
    """Add the verdict and the notes."""
    kind, said = system["kind"], row.note
    decides = {} if kind == OUR_READING else found
    row = with_verdict(row, line, {**decides, **published_scores(system)})
    verdict = row.verdict
    if kind in ("fitted", RECONSTRUCTION):
        verdict = "fitted"
    counted_at = f"{row.picture}, {system['num_classes']} classes" if row.picture else ""
    as_source = _as_its_source(row, system, line)
    notes = (counted_at, said, KINDS.get(kind, ""), as_source, system["note"], row.note)
    return replace(row, verdict=verdict, note="; ".join(filter(None, notes)))


def _as_its_source(row: Row, system: paper.Row, line: paper.Row) -> str:
    """Which printed numbers are not as counted, but as the system's own source prints them."""
    source = published(system)
    if not source:
        return ""
    factor = operations_of(system) / _operations_of_source(source)
    of_source = {
        "params_M": _scaled(source["params_M"], 1.0),
        "flops_G": _scaled(source["compute_G"], factor),
    }
    same = [
        CELLS[column]
        for column, value in of_source.items()
        if value and CELLS[column] in row.beyond.split(", ") and printed(line[column]).meets(value)
    ]
    doubt = "" if source["checked"] == "read" else f" ({source['checked']})"
    return f"{' and '.join(same)} as its own source prints{doubt}" if same else ""


def _scaled(text: str, factor: float) -> Span | None:
    if paper.number(text) is None:
        return None
    return combined(lambda value: factor * value, printed(text))


def _operations_of_source(source: paper.Row) -> int:
    return 2 if source["compute_convention"].startswith("FLOPs, 2 per") else 1


def _with_published(row: Row, system: paper.Row) -> Row:
    """Add what the system's own source prints; its size in multiply-accumulates."""
    line = published(system)
    if not line:
        return row
    doubt = "" if line["checked"] == "read" else f" [{line['checked']}]"
    scores = published_scores(system)
    score = next((scores[name] for name in SCORES if name in scores), None)
    return replace(
        row,
        published_params=paper.scaled(line["params_M"], 1e6),
        published_macs=paper.scaled(line["compute_G"], 1e9 / _operations_of_source(line)),
        published_score=None if score is None else float(f"{score.value / 100:.12g}"),
        published_source=line["source"] + doubt,
    )
