"""Tables 2 and 3 (COCO detection, ADE20K segmentation): as printed, as published, as counted here.

The tables mix conventions: some rows print two operations for each multiply-add. Which one a row
has stands in `systems_dense.csv`, with the image size and the classes that its counts belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from attnbench.errors import UserError
from attnbench.models.options import attention_inside
from attnbench.records import CostRecord, ModelRecord
from attnbench.registry import MODELS
from attnbench.reproduce import paper
from attnbench.reproduce.counting import OnCount, counts
from attnbench.reproduce.evidence import accuracy_text, trained_models
from attnbench.reproduce.row import Row, reported, with_verdict
from attnbench.reproduce.span import exact
from attnbench.spec import ModelWorkload

NAMES = {"table2": ("model",), "table3": ("backbone", "method")}
"""The columns that name a row of each table."""
NO_SYSTEM = "no system here: {}"
UNKNOWN = {
    "FBNetV5": "a searched network whose tables are not published",
    "Castling": "its detectors were never released, and no convention fits its three rows",
    "GraftViT": "no code, equations or sizes are published",
}
KINDS = {
    "fitted": "fitted to the printed budget, so meeting it is no evidence",
    "our reading": "the paper does not say which variant",
}


def reproduce(
    table: str,
    path: Path,
    records: Sequence[CostRecord],
    on_count: OnCount = lambda done, total, name: None,
) -> list[Row]:
    """The rows of a table; systems that the paper does not have come last.

    Args:
        table: "table2" or "table3".
        path: file of the counts; missing ones are made and appended.
        records: stored records, for the scores of models trained here.
        on_count: called with (done, total, name of the next model).

    Raises:
        UserError: a table lacks a column, or names a model that is not registered.
    """
    lines = {_name(table, line): line for line in paper.table(table)}
    systems = [s for s in paper.table("systems_dense") if s["table"] == table]
    counted = counts([workload_of(system) for system in systems], path, on_count)
    found = [
        (_system_row(system), _row(system, count, lines, records))
        for system, count in zip(systems, counted, strict=True)
    ]
    own = [row for name in lines for row in _rows_of(name, lines[name], found)]
    return own + [row for name, row in found if not name]


table2, table3 = partial(reproduce, "table2"), partial(reproduce, "table3")


def workload_of(system: paper.Row) -> ModelWorkload:
    """The model of a line of `systems_dense.csv`, at the size that its counts belong to."""
    MODELS.find(system["name"])
    options = _options(system["options"])
    return ModelWorkload(
        model=system["name"],
        attention=attention_inside(system["name"], options),
        img_size=(int(system["height"]), int(system["width"])),
        num_classes=int(system["num_classes"]),
        options=options,
        task=MODELS.find(system["name"]).task,
    )


def _options(text: str) -> dict[str, Any]:
    return {name: value == "true" for name, value in (one.split("=") for one in text.split())}


def _name(table: str, line: paper.Row) -> str:
    return ", ".join(line[column] for column in NAMES[table])


def _system_row(system: paper.Row) -> str:
    return ", ".join(filter(None, (system["row"], system["head"])))


def _rows_of(name: str, line: paper.Row, found: Sequence[tuple[str, Row]]) -> list[Row]:
    """The systems of a printed row, or the row alone with the reason why there is none."""
    own = [row for of, row in found if of == name]
    if own:
        return own
    reason = next((text for begin, text in UNKNOWN.items() if name.startswith(begin)), "")
    note = "; ".join(filter(None, (NO_SYSTEM.format(reason or "not built"), line["notes"])))
    return [replace(reported(line, name), verdict="cannot be tested here", note=note)]


def _row(
    system: paper.Row,
    count: ModelRecord,
    lines: Mapping[str, paper.Row],
    records: Sequence[CostRecord],
) -> Row:
    """One system beside what the paper and its own source print."""
    name = _system_row(system)
    if name and name not in lines:
        raise UserError(f"systems_dense.csv: the paper has no row {name!r}; correct it")
    line = lines.get(name, {})
    row = replace(
        reported(line, name or system["published"] or system["name"]),
        system=system["name"],
        native_px=int(system["height"]) if system["height"] == system["width"] else None,
        trained=accuracy_text(trained_models(records, [system["name"]])),
    )
    row = _with_published(row, system)
    if count.macs is None:
        return replace(row, verdict="failed", note=count.reason)
    macs, operations = count.macs.products_macs, int(system["operations"])
    row = replace(row, params=count.params, macs=macs)
    row = with_verdict(row, line, {
        "params_M": exact((count.params or 0) / 1e6),
        "flops_G": exact(operations * macs / 1e9),
    })  # fmt: skip
    return _with_notes(row, system, operations)


def _with_notes(row: Row, system: paper.Row, operations: int) -> Row:
    size = f"{system['height']} × {system['width']} px, {system['num_classes']} classes"
    doubled = (
        "printed FLOPs read as two operations for each multiply-add" if operations == 2 else ""
    )
    notes = (size, doubled, KINDS.get(system["kind"], ""), row.note)
    fitted = system["kind"] == "fitted" and row.verdict in ("holds", "does not hold")
    verdict = "fitted" if fitted else row.verdict
    return replace(row, verdict=verdict, note="; ".join(filter(None, notes)))


def _with_published(row: Row, system: paper.Row) -> Row:
    """Add the size that the system's own source prints, in multiply-accumulates."""
    if not system["published"]:
        return row
    line = paper.one(
        paper.table("original_reports_dense"),
        system=system["published"], resolution=system["resolution"],
    )  # fmt: skip
    factor = 0.5 if line["compute_convention"].startswith("FLOPs, 2 per") else 1.0
    doubt = "" if line["checked"] == "read" else f" [{line['checked']}]"
    return replace(
        row,
        published_params=paper.scaled(line["params_M"], 1e6),
        published_macs=paper.scaled(line["compute_G"], factor * 1e9),
        published_source=line["source"] + doubt,
    )
