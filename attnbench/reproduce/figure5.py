"""Figure 5: DeiT against AnchorDeiT, LeViT against AnchorLeViT.

The paper draws both pairs. Table 1 has the numbers of the first pair; for the second, the text
gives only a range of savings, so nothing can be tested there. A model is counted if it is
registered. Beside what the anchors save stand the folded order, the most that can be saved, and the
image size from which the printed saving is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from attnbench.records import CostRecord, ModelRecord
from attnbench.registry import MODELS
from attnbench.reproduce import paper
from attnbench.reproduce.counting import CountFirst, OnCount, at, counts
from attnbench.reproduce.evidence import accuracy_text, trained_models
from attnbench.reproduce.row import Row, judged, reported, with_published
from attnbench.reproduce.saving_checks import side_of_printed_saving
from attnbench.reproduce.savings import bounds, deit, levit_bounds

PX = 224
FOLDED = "folded"
WITH_FOLDED = "anchor-deit"
"""The models whose attention has the folded order of the products."""
PAIRS = (
    *(
        (f"DeiT-{s.upper()}", f"timm-deit-{s}", f"AnchorFormer-{s.upper()}", f"anchor-deit-{s}")
        for s in "tsb"
    ),
    *(
        (f"LeViT-{w}", f"timm-levit-{w}", f"AnchorLeViT-{w}", f"anchor-levit-{w}")
        for w in (128, 192, 256, 384)
    ),
)
"""Row and system without anchors, row and system with anchors."""


def reproduce(
    path: Path,
    records: Sequence[CostRecord],
    on_count: OnCount = lambda done, total, name: None,
    count_first: CountFirst | None = None,
) -> list[Row]:
    """Each base, followed by the same model with anchors and what they save."""
    built = [name for pair in PAIRS for name in (pair[1], pair[3]) if name in MODELS.names()]
    folded = [name for name in built if name.startswith(WITH_FOLDED)]
    workloads = [*(at(n, PX) for n in built), *(at(n, PX, FOLDED) for n in folded)]
    found = counts(workloads, path, on_count, count_first)
    plain, other = found[: len(built)], found[len(built) :]
    known = Known(
        counted=dict(zip(built, plain, strict=True)),
        folded=dict(zip(folded, other, strict=True)),
        records=records,
    )
    rows = []
    for base_name, base_system, anchor_name, anchor_system in PAIRS:
        base = _row(base_name, base_system, known)
        rows += [base, _against(base, _row(anchor_name, anchor_system, known))]
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the rows are made of: counts by system, in both orders of the products, and records."""

    counted: dict[str, ModelRecord]
    folded: dict[str, ModelRecord]
    records: Sequence[CostRecord]


def _row(name: str, system: str, known: Known) -> Row:
    line = next((line for line in paper.table("table1") if line["model"] == name), {})
    row = reported(line, name)
    if system not in known.counted:
        return replace(row, verdict="not built yet", note=f"no model {system} is registered")
    source = next((s for s in paper.table("systems") if s["name"] == system), None)
    if source is not None:
        row = with_published(row, source)
    folded = known.folded.get(system)
    row = replace(
        row,
        system=system,
        native_px=PX,
        folded_macs=folded.macs.products_macs if folded and folded.macs else None,
        trained=accuracy_text(trained_models(known.records, [system])),
    )
    return judged(row, line, known.counted[system], source)


def _against(base: Row, row: Row) -> Row:
    """The row with what it saves over its base, and with what could be saved."""
    row = replace(
        row,
        saving=_saving(base.macs, row.macs),
        folded_saving=_saving(base.macs, row.folded_macs),
        reported_saving=_saving(base.reported_macs, row.reported_macs),
    )
    family, _, size = base.row.lower().partition("-")
    if row.verdict == "not built yet":
        return row
    if family == "levit":
        most = levit_bounds(size)
        return replace(
            row,
            bound_kept=most.kept,
            bound_removed=most.removed,
            verdict="cannot be tested here",
            note="our reading: the paper gives neither numbers of this row nor code. "
            "It says 28.5 to 40.0 %; no folded order is known for LeViT",
        )
    most = bounds(deit(size))
    return replace(
        row,
        bound_kept=most.kept,
        bound_removed=most.removed,
        reached_px=side_of_printed_saving(size, "reference"),
        folded_reached_px=side_of_printed_saving(size, FOLDED),
    )


def _saving(base: float | None, value: float | None) -> float | None:
    return None if not base or value is None else 1 - value / base
