"""One row of a reproduced table: reported, published and counted numbers, and a verdict.

Base units: parameters and multiply-accumulates as counts, accuracies as shares, seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from attnbench.records import ModelRecord
from attnbench.reproduce import paper
from attnbench.reproduce.source_checks import ACCURACIES, is_known, published
from attnbench.reproduce.span import Span, exact, printed

Verdict = Literal[
    "", "holds", "does not hold", "cannot be tested here", "fitted", "not in the paper",
    "not built yet", "failed",
]  # fmt: skip
"""The first three are those of the claims, and follow from the same rule (`span.py`)."""

CELLS = {
    "params_M": "params", "flops_G": "GMACs", "top1": "top-1", "top5": "top-5", "mAP": "mAP",
    "AP50": "AP50", "AP75": "AP75", "mIoU": "mIoU", "mAcc": "mAcc",
}  # fmt: skip
"""The columns of the paper that a row is judged by, and how a verdict names them."""


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
    operations: int | None = None
    """Operations that the paper prints in this row for each multiply-accumulate, if it is known to
    mix conventions; `reported_macs` is without that factor."""
    reported_top1: float | None = None
    """On ImageNet-1k, as the paper prints it."""
    reported_top5: float | None = None
    reported_score: float | None = None
    """mAP on COCO or mIoU on ADE20K, as the paper prints it."""
    published_params: float | None = None
    published_macs: float | None = None
    published_top1: float | None = None
    """On ImageNet-1k, as the original source reports it."""
    published_top5: float | None = None
    published_score: float | None = None
    published_source: str = ""
    native_px: int | None = None
    picture: str = ""
    """Height and width of the picture that is counted, of tables 2 and 3."""
    params: int | None = None
    macs: int | None = None
    """Counted at the native image size."""
    backbone_macs: int | None = None
    """Of these, what the backbone below a head takes."""
    macs_at_224: int | None = None
    folded_macs: int | None = None
    """With the folded order of the anchor layer, where the model has one."""
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
    folded_saving: float | None = None
    """The same with the folded order."""
    reported_saving: float | None = None
    bound_kept: float | None = None
    """The most that an attention can save that keeps keys and values (see `savings.py`)."""
    bound_removed: float | None = None
    """The most that any attention can save."""
    reached_px: int | None = None
    """Image side from which the mechanism saves what the paper prints."""
    folded_reached_px: int | None = None
    impl: str = ""
    """The implementation that was counted and timed."""
    latency_s: float | None = None
    latency_of: str = ""
    trained: str = ""
    """Accuracy of models trained here, with data set and recipe; not on ImageNet."""
    verdict: Verdict = ""
    beyond: str = ""
    """The printed numbers that their digits do not reconcile with ours or published ones."""
    note: str = ""


def reported(line: paper.Row, name: str) -> Row:
    """A row with what the paper prints in a line of a table, in base units."""
    return Row(
        row=name,
        reported_params=paper.scaled(line.get("params_M", ""), 1e6),
        reported_macs=paper.scaled(line.get("flops_G", ""), 1e9),
        reported_top1=paper.scaled(line.get("top1", ""), 1e-2),
        reported_top5=paper.scaled(line.get("top5", ""), 1e-2),
    )


def with_published(row: Row, system: paper.Row) -> Row:
    """Add what the system's own source reports; `system` is its line in `systems.csv`.

    Raises:
        UserError: that source has no such line.
    """
    line = published(system)
    if not line:
        return row
    doubt = "" if line["checked"] == "read" else f" [{line['checked']}]"
    return replace(
        row,
        published_params=paper.scaled(line["params_M"], 1e6),
        published_macs=paper.scaled(line["gmacs"], 1e9),
        published_top1=paper.scaled(line["top1"], 1e-2),
        published_top5=paper.scaled(line["top5"], 1e-2),
        published_source=line["source"] + doubt,
    )


def judged(row: Row, line: paper.Row, count: ModelRecord, system: paper.Row | None = None) -> Row:
    """Add the count, the differences, and a verdict on what the paper prints.

    Args:
        row: the row so far.
        line: the paper's line, empty if it has none.
        count: the count of the model.
        system: its line in `systems.csv`, for the accuracies of its own source.
    """
    if count.macs is None:
        return replace(row, verdict="failed", note=count.reason)
    macs = count.macs.products_macs
    found = {
        **accuracies(system),
        "params_M": exact((count.params or 0) / 1e6),
        "flops_G": exact(macs / 1e9),
    }
    return with_verdict(replace(row, params=count.params, macs=macs), line, found)


def with_verdict(row: Row, line: paper.Row, found: Mapping[str, Span]) -> Row:
    """Add the differences and the verdict to a row that has its counts.

    Args:
        row: the row with its counts.
        line: the paper's line, empty if it has none.
        found: what stands beside the columns of the line, in its units.
    """
    verdict, beyond = verdict_on(line, found)
    return replace(
        row,
        params_difference=difference(row.reported_params, row.params),
        macs_difference=difference(row.reported_macs, row.macs),
        top1_difference=_less(row.reported_top1, row.published_top1),
        verdict=verdict,
        beyond=", ".join(beyond),
        note=line.get("notes", ""),
    )


def accuracies(system: paper.Row | None) -> dict[str, Span]:
    """Top-1 and top-5 of the system's own source, if it was read (here or in another's table)."""
    line = published(system) if system else {}
    return {column: printed(line[column]) for column in ACCURACIES if is_known(line, column)}


def verdict_on(line: paper.Row, found: Mapping[str, Span]) -> tuple[Verdict, list[str]]:
    """The verdict on a printed line, and the names of the numbers that do not agree.

    Args:
        line: the paper's line, empty if it has none.
        found: what stands beside its columns, in the units of the columns.
    """
    printed_cells = [column for column in CELLS if paper.number(line.get(column, "")) is not None]
    if not printed_cells:
        return "not in the paper", []
    known = [column for column in printed_cells if column in found]
    beyond = [CELLS[c] for c in known if not printed(line[c]).meets(found[c])]
    if beyond:
        return "does not hold", beyond
    return ("holds" if known else "cannot be tested here"), []


def difference(reported: float | None, counted: float | None) -> float | None:
    """Reported ÷ counted, minus one; None if either is missing."""
    return None if reported is None or not counted else reported / counted - 1


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
