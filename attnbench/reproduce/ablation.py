"""Tables 4 and 5: the four mechanisms, and the anchor counts, in one trunk.

The paper does not name the trunk of its rows, and their budgets fit none (see `claims`). Here each
mechanism is put into the same plain trunk with mean pooling, at 224 px, so the rows differ only in
the attention. The paper has no row `dense-shared-qk`: dense attention without the query projection.
It separates what dropping this projection saves from what the anchors save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from attnbench.records import CostRecord, LayerRecord, ModelRecord
from attnbench.reproduce import paper
from attnbench.reproduce.counting import IMAGENET_CLASSES, OnCount, counts
from attnbench.reproduce.evidence import (
    accuracy_text,
    latency_text,
    layer_latencies,
    trained_attentions,
)
from attnbench.reproduce.row import Row, judged, reported
from attnbench.reproduce.trunk import Trunk
from attnbench.spec import ModelWorkload

PAPER_ANCHORS = 30
ANCHOR_COUNTS = (10, 30, 50, 100)
PREFIXES = ("vit", "pyramid", "deit", "anchor-deit", "anchorformer")
"""Trained models with these prefixes count as evidence; the text of the evidence names them."""

TABLE_4 = (
    ("ViT", "dense", None),
    ("", "dense-shared-qk", None),
    ("ViT + Anchor", "anchor-select", PAPER_ANCHORS),
    ("ViT + Anchor + Diff.", "anchor", PAPER_ANCHORS),
)
"""The paper's name of the row ("" for ours), mechanism, anchors."""

Part = tuple[Trunk, paper.Row, str, int | None]
"""Trunk, the paper's line (empty if it has none), mechanism, anchors."""


def table4(
    path: Path, records: Sequence[CostRecord], on_count: OnCount = lambda done, total, name: None
) -> list[Row]:
    """Table 4 on trunks T and S; the paper's numbers stand beside T."""
    printed = paper.table("table4")
    lines = {name: paper.one(printed, row=name) for name, _, _ in TABLE_4 if name}
    parts: list[Part] = [
        (trunk, lines.get(name, {}) if trunk.size == "t" else {}, attention, anchors)
        for trunk in (Trunk(size="t"), Trunk(size="s"))
        for name, attention, anchors in TABLE_4
    ]
    return _rows(parts, path, records, on_count)


def table5(
    path: Path, records: Sequence[CostRecord], on_count: OnCount = lambda done, total, name: None
) -> list[Row]:
    """Table 5: dense attention, then each anchor count, on trunks T and S."""
    printed = paper.table("table5")
    parts: list[Part] = []
    for trunk in (Trunk(size="t"), Trunk(size="s")):
        name = f"DeiT-{trunk.size.upper()}"
        parts.append((trunk, paper.one(printed, trunk=name, anchors=""), "dense", None))
        for count in ANCHOR_COUNTS:
            line = paper.one(printed, trunk=name, anchors=str(count))
            parts.append((trunk, line, "anchor", count))
    return _rows(parts, path, records, on_count)


def _rows(
    parts: Sequence[Part], path: Path, records: Sequence[CostRecord], on_count: OnCount
) -> list[Row]:
    counted = counts([_workload(*part) for part in parts], path, on_count)
    base: dict[Trunk, int] = {}
    rows = []
    for part, count in zip(parts, counted, strict=True):
        trunk = part[0]
        row = _row(part, count, records)
        if row.macs is not None:  # dense comes first in each trunk
            row = replace(row, saving=1 - row.macs / base.setdefault(trunk, row.macs))
        rows.append(row)
    return rows


def _workload(
    trunk: Trunk, line: paper.Row, attention: str, num_anchors: int | None
) -> ModelWorkload:
    options: dict[str, object] = {"attention": attention}
    if num_anchors is not None:
        options["attention_options"] = {"num_anchors": num_anchors}
    return ModelWorkload(
        model=trunk.name,
        attention=attention,
        img_size=(16 * trunk.grid[0], 16 * trunk.grid[1]),
        num_classes=IMAGENET_CLASSES,
        options=options,
    )


def _row(part: Part, count: ModelRecord, records: Sequence[CostRecord]) -> Row:
    trunk, line, attention, num_anchors = part
    latencies: Mapping[tuple[str, int | None], LayerRecord] = layer_latencies(
        records, trunk.grid, trunk.dim, trunk.num_heads
    )
    timed = latencies.get((attention, num_anchors))
    models = [f"{prefix}-{trunk.size}" for prefix in PREFIXES]
    row = replace(
        reported(line, line.get("row") or line.get("trunk") or ""),
        system=attention,
        trunk=trunk.name,
        num_anchors=num_anchors,
        native_px=16 * trunk.grid[0],
        stated_params=trunk.params(attention, num_anchors),
        stated_macs=trunk.macs(attention, num_anchors),
        latency_s=timed.latency.median_s if timed and timed.latency else None,
        latency_of=latency_text(timed) if timed else "",
        trained=accuracy_text(trained_attentions(records, models, attention, num_anchors)),
    )
    return judged(row, line, count)
