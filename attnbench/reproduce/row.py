"""One row of a reproduced table: reported, published and counted numbers, and a verdict.

Base units: parameters and multiply-accumulates as counts, accuracies as shares, seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from attnbench.records import ModelRecord
from attnbench.reproduce import paper

Verdict = Literal[
    "", "agrees", "near", "differs", "fitted", "not in the paper", "no system here",
    "not built yet", "failed",
]  # fmt: skip

NEAR = 0.05
"""A printed count within this share of our count is "near"."""
LEAST_ROOM = 0.01
"""Counts agree within this share, because ways of counting differ (norms, heads, tokens)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; a value is None or "" if the source does not give it."""

    row: str
    """The row's name in the paper, or in its own publication if the paper has no such row."""
    system: str = ""
    """The registered model or mechanism that represents it here."""
    trunk: str = ""
    """The registered trunk that contains the mechanism."""
    num_anchors: int | None = None
    reported_params: float | None = None
    reported_macs: float | None = None
    reported_top1: float | None = None
    """On ImageNet-1k, as the paper prints it."""
    published_params: float | None = None
    published_macs: float | None = None
    published_top1: float | None = None
    """On ImageNet-1k, as the original source reports it."""
    published_source: str = ""
    native_px: int | None = None
    params: int | None = None
    macs: int | None = None
    """Counted at the native image size."""
    macs_at_224: int | None = None
    stated_params: int | None = None
    stated_macs: int | None = None
    """From the closed form."""
    params_difference: float | None = None
    macs_difference: float | None = None
    """Reported ÷ counted, minus one."""
    top1_difference: float | None = None
    """Reported minus published; no accuracy on ImageNet is measured here."""
    saving: float | None = None
    """Counted share of MACs that the row saves over its base."""
    reported_saving: float | None = None
    latency_s: float | None = None
    latency_of: str = ""
    trained: str = ""
    """Accuracy of models trained here, with data set and recipe; not on ImageNet."""
    verdict: Verdict = ""
    note: str = ""


def reported(line: paper.Row, name: str) -> Row:
    """A row with what the paper prints in a line of a table, in base units."""
    return Row(
        row=name,
        reported_params=paper.scaled(line.get("params_M", ""), 1e6),
        reported_macs=paper.scaled(line.get("flops_G", ""), 1e9),
        reported_top1=paper.scaled(line.get("top1", ""), 1e-2),
    )


def with_published(row: Row, system: paper.Row) -> Row:
    """Add what the system's own source reports; `system` is its line in `systems.csv`.

    Raises:
        UserError: that source has no such line.
    """
    if not system["original_system"]:
        return row
    line = paper.one(
        paper.table("original_reports"),
        system=system["original_system"],
        variant=system["original_variant"],
    )
    doubt = "" if line["checked"] == "read" else f" [{line['checked']}]"
    return replace(
        row,
        published_params=paper.scaled(line["params_M"], 1e6),
        published_macs=paper.scaled(line["gmacs"], 1e9),
        published_top1=paper.scaled(line["top1"], 1e-2),
        published_source=line["source"] + doubt,
    )


def judged(row: Row, line: paper.Row, count: ModelRecord) -> Row:
    """Add the count, the differences, and a verdict on what the paper prints."""
    if count.macs is None:
        return replace(row, verdict="failed", note=count.reason)
    macs = count.macs.products_macs
    gaps = [difference(row.reported_params, count.params), difference(row.reported_macs, macs)]
    rooms = [room(line.get("params_M", "")), room(line.get("flops_G", ""))]
    return replace(
        row,
        params=count.params,
        macs=macs,
        params_difference=gaps[0],
        macs_difference=gaps[1],
        top1_difference=_less(row.reported_top1, row.published_top1),
        verdict=verdict_on(gaps, rooms),
        note=line.get("notes", ""),
    )


def difference(printed: float | None, counted: float | None) -> float | None:
    """Printed ÷ counted, minus one; None if either is missing."""
    return None if printed is None or not counted else printed / counted - 1


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def room(text: str) -> float:
    """Half a unit in the last printed digit, as a share of the value; at least 1 %.

    The least value allows for operations that only one of the two counts includes.
    """
    value = paper.number(text)
    return max(LEAST_ROOM, paper.last_place(text) / 2 / value) if value else LEAST_ROOM


def verdict_on(gaps: Sequence[float | None], rooms: Sequence[float]) -> Verdict:
    """A verdict on printed counts.

    Args:
        gaps: printed ÷ counted, minus one; None if nothing was printed.
        rooms: the part of each gap that rounding explains.
    """
    known = [(abs(gap), width) for gap, width in zip(gaps, rooms, strict=True) if gap is not None]
    if not known:
        return "not in the paper"
    beyond = [gap for gap, width in known if gap > width]
    if not beyond:
        return "agrees"
    return "near" if max(beyond) <= NEAR else "differs"
