"""What stored records say about a row: scores of trained models, latency of its attention.

Scores always come with the data set, the trunk and the recipe: none of them is an ImageNet figure.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace

from attnbench.analysis.interval import mean_of
from attnbench.analysis.quotable import is_quotable
from attnbench.analysis.selection.newest import newest
from attnbench.attention.factory import attention_class
from attnbench.records import CostRecord, LayerRecord, ModelRecord, of_type
from attnbench.spec import Grid, Recipe
from attnbench.units import PRIMARY_SCORE


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


def accuracy_text(records: Sequence[ModelRecord]) -> str:
    """The primary score by trunk and recipe, with its 95 % interval over several seeds."""
    groups: dict[tuple[str, Recipe], list[ModelRecord]] = {}
    for record in records:
        assert record.recipe is not None
        groups.setdefault((record.workload.model, replace(record.recipe, seed=0)), []).append(
            record
        )
    return "; ".join(_group_text(model, recipe, rs) for (model, recipe), rs in groups.items())


def _group_text(model: str, recipe: Recipe, records: Sequence[ModelRecord]) -> str:
    shares = [
        record.scores.values[PRIMARY_SCORE[record.scores.task]]
        for record in records
        if record.scores
    ]
    mean = mean_of(shares)
    interval = "" if mean.half_width is None else f" ± {100 * mean.half_width:.1f}"
    seeds = "1 seed" if len(shares) == 1 else f"{len(shares)} seeds"
    return (
        f"{100 * mean.value:.1f}{interval} % on {recipe.data} ({model}, {recipe.img_size[0]} px, "
        f"{recipe.epochs} epochs, {seeds})"
    )


Cell = tuple[str, int | None, str]
"""Mechanism, anchors, implementation."""


def layer_latencies(
    records: Sequence[CostRecord], grid: Grid, dim: int, num_heads: int
) -> dict[Cell, LayerRecord]:
    """The newest record of each (attention, anchors, implementation) for one layer of this size.

    A latency that is not good enough to conclude from is no evidence: it is left out.

    All from one machine and dtype, since others cannot be compared: the ones that know most cells.
    """
    shown = newest(of_type(records, LayerRecord)).layers
    by_conditions: dict[tuple[object, ...], dict[Cell, LayerRecord]] = {}
    for record in shown:
        work = record.workload
        size = (work.grid, work.dim, work.num_heads, work.batch, work.mode)
        if size != (grid, dim, num_heads, 1, "forward") or not is_quotable(record):
            continue
        found = by_conditions.setdefault((record.environment.conditions, work.dtype), {})
        cell = (work.attention, work.options.get("num_anchors"), work.impl)
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
