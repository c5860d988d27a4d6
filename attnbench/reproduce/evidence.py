"""What stored records say about a row: scores of trained models, latency of its attention.

Scores always come with the data set, the trunk and the recipe: none of them is an ImageNet figure.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from dataclasses import replace

from attnbench.analysis.compare.score_changes import score_change
from attnbench.analysis.compare.score_text import difference_text
from attnbench.analysis.interval import half_of
from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.quotable import is_quotable
from attnbench.analysis.selection.newest import newest
from attnbench.analysis.trained import Trained, trained_variants
from attnbench.attention.factory import attention_class
from attnbench.records import CostRecord, LayerRecord, ModelRecord, of_type
from attnbench.spec import Grid


def anchors_of(attention: str, given: int | None) -> int | None:
    """How many anchors a mechanism works with: those given, else its default; None without any."""
    parameters = inspect.signature(attention_class(attention)).parameters
    if "num_anchors" not in parameters:
        return None
    return parameters["num_anchors"].default if given is None else given


def trained_models(records: Sequence[CostRecord], models: Sequence[str]) -> list[ModelRecord]:
    """The newest record of each trained model among those named."""
    shown = newest(of_type(records, ModelRecord)).models
    return [r for r in shown if r.scores and r.recipe and r.workload.model in models]


def trained_attentions(
    records: Sequence[CostRecord], models: Sequence[str], attention: str, num_anchors: int | None
) -> list[ModelRecord]:
    """Trained models among those named that have this attention inside, with so many anchors."""
    return [
        record
        for record in trained_models(records, models)
        if record.workload.attention == attention and _anchors(record) == num_anchors
    ]


def _anchors(record: ModelRecord) -> int | None:
    workload = record.workload
    inside = workload.options.get("attention_options") or {}
    return anchors_of(workload.attention, inside.get("num_anchors"))


def accuracy_text(
    records: Sequence[ModelRecord],
    dense: Sequence[ModelRecord] = (),
    outcomes: OutcomeFiles | None = None,
) -> str:
    """The primary score by trunk and recipe, with its 95 % interval over seeds and images.

    Args:
        records: of trained models.
        dense: the same trunks with dense attention: the difference to them is told.
        outcomes: reads what the models did on each image.
    """
    beside = list(trained_variants(dense).values())
    texts = []
    for one in trained_variants(records).values():
        rival = next((other for other in beside if _are_rivals(one, other)), None)
        texts.append(_text(one) + (_against(rival, one, outcomes) if rival else ""))
    return "; ".join(texts)


def _are_rivals(one: Trained, other: Trained) -> bool:
    """Whether two models differ in what is inside of one trunk alone."""
    first, second = one.records[0], other.records[0]
    assert first.recipe is not None
    assert second.recipe is not None
    recipes = replace(first.recipe, seed=0), replace(second.recipe, seed=0)
    same = first.workload.model == second.workload.model and one.data == other.data
    return same and recipes[0] == recipes[1] and first.workload != second.workload


def _text(trained: Trained) -> str:
    first, count = trained.records[0], len(trained.scores)
    recipe = first.recipe
    assert recipe is not None
    interval = "" if count < 2 else f" ± {100 * half_of(trained.variances):.1f}"
    seeds = "1 seed" if count == 1 else f"{count} seeds"
    return (
        f"{100 * trained.score:.1f}{interval} % on {recipe.data} ({first.workload.model}, "
        f"{recipe.img_size[0]} px, {recipe.epochs} epochs, {seeds})"
    )


def _against(dense: Trained, trained: Trained, outcomes: OutcomeFiles | None) -> str:
    change = score_change(dense, trained, outcomes)
    return f", {difference_text(change)} to dense: {change.verdict} ({change.basis})"


Cell = tuple[str, int | None, str]
"""Mechanism, anchors, implementation."""


def layer_latencies(
    records: Sequence[CostRecord], cells: Collection[Cell], grid: Grid, dim: int, num_heads: int
) -> dict[Cell, LayerRecord]:
    """The newest record of each of the cells that is known, for one layer of this size.

    A latency that is not good enough to conclude from is no evidence: it is left out.

    All from one machine and dtype, since others cannot be compared: the ones that know most of the
    cells.
    """
    shown = newest(of_type(records, LayerRecord)).layers
    by_conditions: dict[tuple[object, ...], dict[Cell, LayerRecord]] = {}
    for record in shown:
        work = record.workload
        size = (work.grid, work.dim, work.num_heads, work.batch, work.mode)
        cell = (work.attention, work.options.get("num_anchors"), work.impl)
        asked = cell in cells and size == (grid, dim, num_heads, 1, "forward")
        if not asked or not is_quotable(record):
            continue
        found = by_conditions.setdefault((record.environment.conditions, work.dtype), {})
        if cell not in found or _median_s(record) < _median_s(found[cell]):
            found[cell] = record
    return max(by_conditions.values(), key=len, default={})


def _median_s(record: LayerRecord) -> float:
    assert record.latency is not None
    return record.latency.median_s


def latency_text(record: LayerRecord) -> str:
    """What a layer's latency was measured on."""
    work = record.workload
    return (
        f"one layer, {work.num_tokens} tokens, width {work.dim}, {work.dtype}, "
        f"{record.environment.label}"
    )
