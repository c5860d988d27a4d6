"""Trained models: the runs that differ in their seed alone, with their primary scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from statistics import fmean, variance
from typing import TYPE_CHECKING

from attnbench.analysis.image_error import image_error
from attnbench.records import ModelRecord, Record, of_type
from attnbench.spec import identity
from attnbench.units import Metric, primary_score

if TYPE_CHECKING:
    from attnbench.analysis.paired.difference import Runs
    from attnbench.analysis.paired.files import OutcomeFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The runs of one model under one recipe: the newest record of each seed."""

    records: tuple[ModelRecord, ...]
    scores: tuple[float, ...]
    """The primary score of each."""

    @property
    def score(self) -> float:
        """Mean over the seeds."""
        return fmean(self.scores)

    @property
    def data(self) -> tuple[str, str]:
        """The task, and the images that were judged."""
        first = self.records[0]
        assert first.recipe is not None
        assert first.scores is not None
        return first.workload.task, first.scores.scored_on or first.recipe.data

    @property
    def metric(self) -> Metric:
        """The primary score."""
        metric = primary_score(self.records[0].workload.task)
        assert metric is not None  # without one there are no scores
        return metric

    @property
    def variances(self) -> list[tuple[float, int | None]]:
        """Of the mean through seeds and through images, with degrees of freedom (`half_of`).

        All seeds are judged on the same images, so the second does not shrink with their number.
        """
        scores = [record.scores for record in self.records if record.scores is not None]
        errors = [image_error(one, self.metric.key) or 0.0 for one in scores]
        count = len(self.scores)
        return [
            (variance(self.scores) / count, count - 1),
            (fmean(error**2 for error in errors), None),
        ]

    def on_images(self, files: OutcomeFiles) -> Runs | None:
        """What its runs did on each image; None where that was not kept or cannot be used."""
        from attnbench.analysis.paired.difference import runs_of

        return runs_of([files.judged(r.scores.outcomes if r.scores else None)
                        for r in self.records])  # fmt: skip


def trained_variants(records: Iterable[Record]) -> dict[Hashable, Trained]:
    """The trained models among records by what tells them apart, the seed excluded."""
    newest: dict[Hashable, dict[int, ModelRecord]] = {}
    for record in of_type(records, ModelRecord):
        if _score_of(record) is None or record.recipe is None:
            continue
        seeds = newest.setdefault(_key(record), {})
        seed = record.recipe.seed
        if seed not in seeds or record.created >= seeds[seed].created:
            seeds[seed] = record
    return {key: _of(list(seeds.values())) for key, seeds in newest.items()}


def _of(records: list[ModelRecord]) -> Trained:
    scores = [score for record in records if (score := _score_of(record)) is not None]
    return Trained(records=tuple(records), scores=tuple(scores))


def _key(record: ModelRecord) -> Hashable:
    assert record.recipe is not None
    assert record.scores is not None
    recipe = replace(record.recipe, seed=0)
    return identity(record.workload), recipe, record.scores.scored_on


def _score_of(record: ModelRecord) -> float | None:
    primary = primary_score(record.workload.task)
    scores = record.scores
    if primary is None or scores is None or scores.task != record.workload.task:
        return None
    return scores.values.get(primary.key)
