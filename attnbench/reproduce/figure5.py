"""Figure 5: DeiT against AnchorDeiT, LeViT against AnchorLeViT.

The paper draws both pairs. Table 1 has the numbers of the first pair; for the second, the text
gives only a range of savings. A model is counted if it is registered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attnbench.records import CostRecord, ModelRecord
from attnbench.registry import MODELS
from attnbench.reproduce import paper
from attnbench.reproduce.counting import OnCount, at, counts
from attnbench.reproduce.evidence import accuracy_text, trained_models
from attnbench.reproduce.row import Row, judged, reported, with_published

PX = 224
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
    path: Path, records: Sequence[CostRecord], on_count: OnCount = lambda done, total, name: None
) -> list[Row]:
    """Each base, followed by the same model with anchors and what they save."""
    built = [name for pair in PAIRS for name in (pair[1], pair[3]) if name in MODELS.names()]
    records_of = dict(zip(built, counts([at(n, PX) for n in built], path, on_count), strict=True))
    printed = paper.table("table1")
    rows = []
    for base_row, base, anchor_row, anchor in PAIRS:
        plain = _row(base_row, base, printed, records_of, records)
        rows += [plain, _against(plain, _row(anchor_row, anchor, printed, records_of, records))]
    return rows


def _row(
    name: str,
    system: str,
    printed: Sequence[paper.Row],
    counted: dict[str, ModelRecord],
    records: Sequence[CostRecord],
) -> Row:
    line = next((line for line in printed if line["model"] == name), {})
    row = reported(line, name)
    if system not in counted:
        return replace(row, verdict="not built yet", note=f"no model {system} is registered")
    known = next((s for s in paper.table("systems") if s["name"] == system), None)
    if known is not None:
        row = with_published(row, known)
    trained = accuracy_text(trained_models(records, [system]))
    row = replace(row, system=system, native_px=PX, trained=trained)
    return judged(row, line, counted[system])


def _against(base: Row, row: Row) -> Row:
    return replace(
        row,
        saving=_saving(base.macs, row.macs),
        reported_saving=_saving(base.reported_macs, row.reported_macs),
    )


def _saving(base: float | None, value: float | None) -> float | None:
    return None if not base or value is None else 1 - value / base
