"""Tables 4 and 5: the four mechanisms, and the anchor counts, in one trunk.

The paper does not name the trunk of its rows, and their budgets fit none (see `claims`). Here each
mechanism is put into the same plain trunk with mean pooling, at 224 px, so the rows differ only in
the attention. A row is one implementation: its multiply-accumulates and its latency.

The paper has no row `dense-shared-qk`: dense attention without the query projection. It separates
what dropping this projection saves from what the anchors save.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.records import CostRecord, LayerRecord, ModelRecord
from attnbench.reproduce import paper
from attnbench.reproduce.counting import IMAGENET_CLASSES, CountFirst, OnCount, counts
from attnbench.reproduce.evidence import (
    Cell,
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
    ("ViT", "dense", None, "sdpa"),
    ("", "dense-shared-qk", None, "sdpa"),
    ("ViT + Anchor", "anchor-select", PAPER_ANCHORS, "reference"),
    ("ViT + Anchor + Diff.", "anchor", PAPER_ANCHORS, "reference"),
    ("ViT + Anchor + Diff.", "anchor", PAPER_ANCHORS, "folded"),
)
"""The paper's name of the row ("" for ours), mechanism, anchors, implementation."""
ORDERS = ("reference", "folded")
"""The two orders of the products of learned anchors; each is a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a row is made of."""

    trunk: Trunk
    line: paper.Row
    """The paper's line, empty if it has none."""
    attention: str
    num_anchors: int | None = None
    impl: str

    @property
    def cell(self) -> Cell:
        """What a layer's record must agree with."""
        return self.attention, self.num_anchors, self.impl


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of trained models and of latencies."""

    records: Sequence[CostRecord]
    outcomes: OutcomeFiles | None
    """What the models did on each image; None compares scores alone."""


def table4(
    path: Path,
    records: Sequence[CostRecord],
    on_count: OnCount = lambda done, total, name: None,
    count_first: CountFirst | None = None,
    outcomes: OutcomeFiles | None = None,
) -> list[Row]:
    """Table 4 on trunks T and S; the paper's numbers stand beside T."""
    printed = paper.table("table4")
    lines = {name: paper.one(printed, row=name) for name, *_ in TABLE_4 if name}
    parts = [
        Part(
            trunk=trunk,
            line=lines.get(name, {}) if trunk.size == "t" else {},
            attention=attention,
            num_anchors=anchors,
            impl=impl,
        )
        for trunk in (Trunk(size="t"), Trunk(size="s"))
        for name, attention, anchors, impl in TABLE_4
    ]
    counted = counts(list(map(_workload, parts)), path, on_count, count_first)
    return _rows(parts, counted, Stored(records, outcomes))


def table5(
    path: Path,
    records: Sequence[CostRecord],
    on_count: OnCount = lambda done, total, name: None,
    count_first: CountFirst | None = None,
    outcomes: OutcomeFiles | None = None,
) -> list[Row]:
    """Table 5: dense attention, then each anchor count in both orders, on trunks T and S."""
    printed = paper.table("table5")
    parts: list[Part] = []
    for trunk in (Trunk(size="t"), Trunk(size="s")):
        name = f"DeiT-{trunk.size.upper()}"
        dense = paper.one(printed, trunk=name, anchors="")
        parts.append(Part(trunk=trunk, line=dense, attention="dense", impl="sdpa"))
        for count, impl in product(ANCHOR_COUNTS, ORDERS):
            line = paper.one(printed, trunk=name, anchors=str(count))
            parts.append(
                Part(trunk=trunk, line=line, attention="anchor", num_anchors=count, impl=impl)
            )
    counted = counts(list(map(_workload, parts)), path, on_count, count_first)
    return _rows(parts, counted, Stored(records, outcomes))


def _rows(parts: Sequence[Part], counted: Sequence[ModelRecord], stored: Stored) -> list[Row]:
    timed = {trunk: _latencies(parts, trunk, stored) for trunk in {part.trunk for part in parts}}
    base: dict[Trunk, int] = {}
    rows = []
    for part, count in zip(parts, counted, strict=True):
        row = _row(part, count, timed[part.trunk].get(part.cell), stored)
        if row.macs is not None:  # dense comes first in each trunk
            base_macs = base.setdefault(part.trunk, row.macs)
            row = replace(row, saving=1 - row.macs / base_macs)
        rows.append(row)
    return rows


def _latencies(parts: Sequence[Part], trunk: Trunk, stored: Stored) -> dict[Cell, LayerRecord]:
    cells = {part.cell for part in parts}
    return layer_latencies(stored.records, cells, trunk.grid, trunk.dim, trunk.num_heads)


def _workload(part: Part) -> ModelWorkload:
    inside: dict[str, object] = {"impl": part.impl}
    if part.num_anchors is not None:
        inside["num_anchors"] = part.num_anchors
    return ModelWorkload(
        model=part.trunk.name,
        attention=part.attention,
        img_size=(16 * part.trunk.grid[0], 16 * part.trunk.grid[1]),
        num_classes=IMAGENET_CLASSES,
        options={"attention": part.attention, "attention_options": inside},
    )


def _row(part: Part, count: ModelRecord, timed: LayerRecord | None, stored: Stored) -> Row:
    records = stored.records
    trunk, line, attention, num_anchors = part.trunk, part.line, part.attention, part.num_anchors
    models = [f"{prefix}-{trunk.size}" for prefix in PREFIXES]
    row = replace(
        reported(line, line.get("row") or line.get("trunk") or ""),
        system=attention,
        trunk=trunk.name,
        num_anchors=num_anchors,
        impl=part.impl,
        native_px=16 * trunk.grid[0],
        stated_params=trunk.params(attention, num_anchors),
        stated_macs=trunk.macs(attention, num_anchors, part.impl),
        latency_s=timed.latency.median_s if timed and timed.latency else None,
        latency_of=latency_text(timed) if timed else "",
        trained=accuracy_text(
            trained_attentions(records, models, attention, num_anchors),
            trained_attentions(records, models, "dense", None),
            stored.outcomes,
        ),
    )
    return judged(row, line, count)
