"""Scores of trained models on images of other sizes than those that they were trained on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from math import sqrt
from statistics import fmean

from attnbench.analysis.naming import distinct, name_of
from attnbench.records import ModelRecord
from attnbench.spec import Recipe, identity
from attnbench.units import primary_score

Curve = Mapping[float, float]
"""The score by the side of the images in pixels (of others than squares, of a square as large)."""


def scored_at(data: str, held_out: str, size: tuple[int, int]) -> str:
    """What `Scores.scored_on` says of images of another size than those of the training."""
    height, width = size
    return f"{data} {held_out} at {height} × {width} px"


def curves_like(record: ModelRecord, others: Iterable[ModelRecord]) -> dict[str, Curve]:
    """The curves of all models that were trained and judged as this one was, by their names.

    Args:
        record: of a trained model, on its own data set at whatever size.
        others: where to look, itself among them. The newest of each run and size counts.

    Returns:
        The mean primary score over the seeds of each model, at each size; nothing of models that
        were judged on other images.
    """
    newest: dict[tuple[Hashable, str, tuple[int, int]], ModelRecord] = {}
    for one in sorted(others, key=lambda one: one.created):
        if _family(one) == _family(record) and _score(one) is not None and _is_own(one):
            newest[_model(one), one.run, one.workload.img_size] = one
    found: dict[Hashable, dict[float, list[float]]] = {}
    names: dict[Hashable, str] = {}
    for (model, _, (height, width)), one in newest.items():
        names[model] = name_of(one.workload)
        score = _score(one)
        assert score is not None
        found.setdefault(model, {}).setdefault(sqrt(height * width), []).append(score)
    told = distinct(names)
    return {
        told[model]: {side: fmean(scores) for side, scores in sorted(curve.items())}
        for model, curve in found.items()
    }


def _family(record: ModelRecord) -> tuple[str, Recipe | None]:
    """What the curves of one figure share: task and recipe, but for the seed."""
    recipe = record.recipe and replace(record.recipe, seed=0)
    return record.workload.task, recipe


def _model(record: ModelRecord) -> Hashable:
    """What tells the models of a figure apart: all but the size of the images."""
    return identity(replace(record.workload, img_size=(1, 1)))


def _is_own(record: ModelRecord) -> bool:
    """Whether it was judged on the held-out images of its training, at whatever size."""
    assert record.scores is not None
    if record.recipe is None:
        return False
    size = record.workload.img_size
    own = "" if size == record.recipe.img_size else scored_at(record.recipe.data, "val", size)
    return record.scores.scored_on == own


def _score(record: ModelRecord) -> float | None:
    metric = primary_score(record.workload.task)
    return record.scores.values.get(metric.key) if metric and record.scores else None
