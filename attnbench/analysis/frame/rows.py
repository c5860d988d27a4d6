"""Turn records into the columns of a frame: plain values in base units, None where not measured.

Metric columns are named by their key in `units.METRICS`. Frames are grouped and joined by the
columns that end in `_key`. What thousands of layers have is made column by column: a row of its own
for each of them would take several times as long, and more memory than the records.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from attnbench.analysis.frame.columns import NOTHING, Columns, columns_of, fields_of
from attnbench.analysis.frame.limits import Neighbours, gap_columns, limit_columns
from attnbench.analysis.frame.timing import timing_columns
from attnbench.analysis.image_error import image_error
from attnbench.analysis.keys import (
    Implementation,
    LayerConditions,
    Shared,
    conditions_of,
    implementation_of,
    machine_of,
    variant_of,
)
from attnbench.analysis.quotable import Grades
from attnbench.analysis.speedup.baseline import Compared
from attnbench.errors import UserError
from attnbench.records import CostRecord, EpochRecord, LayerRecord, ModelRecord, Record, Scores
from attnbench.records.trust import Trust
from attnbench.registry import ATTENTIONS
from attnbench.spec import ModelWorkload, Recipe, json_in_order
from attnbench.units import primary_score

OTHER = "other"
"""The family of unregistered attentions, and of models not built from the suite's blocks."""

PRIMARY = "primary_score"
"""The column of the score that ranks the models of a task."""

IMAGE_ERROR = "image_error"
"""The column of its standard error through the choice of the held-out images."""

Row = dict[str, Any]


@cache
def family_of(attention: str) -> str:
    """The family that the attention is registered under."""
    try:
        return ATTENTIONS.find(attention).family
    except UserError:
        return OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMaker:
    """Turns records into columns."""

    neighbours: Neighbours
    grades: Grades
    keys: Shared = field(default_factory=Shared)

    def layers(self, records: Sequence[LayerRecord]) -> Columns:
        """Every column of layers except their names and options."""
        compared = self.neighbours.baselines.compare_all(records)
        baselines = [one.baseline if one else None for one in compared]
        allow = self.grades.allow
        quotable = [
            other is not None and allow(record) and allow(other)
            for record, other in zip(records, baselines, strict=True)
        ]
        costs = self._costs(records)
        return {
            **_common(records),
            **costs,
            **_layers(records, costs["latency_s"]),
            **_speed_ups(compared),
            "speedup_quotable": quotable,
            **gap_columns(records, compared, self.neighbours, quotable),
            "conditions_key": self._conditions(records),
            "implementation_key": self._implementations(records),
            "baseline_key": self._implementations(baselines),
        }

    def models(self, records: Sequence[ModelRecord]) -> Columns:
        """Every column of models except their names and options."""
        return {**_common(records), **self._costs(records), **self._trained(records)}

    def epochs(self, records: Sequence[EpochRecord]) -> Columns:
        """Every column of epochs except their models' names and options."""
        progress = [record.progress for record in records]
        return {
            **_common(records),
            **self._trained(records),
            **fields_of(progress, "epoch", "train_loss", "train_s", "images"),
        }

    def _implementations(
        self, records: Iterable[LayerRecord | None]
    ) -> list[Implementation | None]:
        """The key of each layer, None without one; equal ones are made once."""
        known: dict[Hashable, Implementation] = {}
        found: list[Implementation | None] = []
        for record in records:
            if record is None:
                found.append(None)
                continue
            w = record.workload
            facts = w.attention, w.impl, json_in_order(w.options) if w.options else ""
            if facts not in known:
                known[facts] = self.keys.one(implementation_of(w))
            found.append(known[facts])
        return found

    def _conditions(self, records: Sequence[LayerRecord]) -> list[LayerConditions]:
        """The key of each layer; those with the same facts share one, which is made once."""
        known: dict[Hashable, LayerConditions] = {}
        found = []
        for record in records:
            w = record.workload
            facts = (w.mode, w.dtype, w.batch, w.dim, w.num_heads, w.seed, record.environment)
            if facts not in known:
                known[facts] = self.keys.one(conditions_of(record))
            found.append(known[facts])
        return found

    def _costs(self, records: Sequence[CostRecord]) -> Columns:
        """The cost columns that layers and models share."""
        quotable = [self.grades.allow(record) for record in records]
        medians = [record.latency.median_s if record.latency else None for record in records]
        return {
            **_cost(records),
            "latency_s": medians,
            **_trust(records, self.grades),
            "quotable": quotable,
            **timing_columns(records, medians),
            **limit_columns(records, medians, self.neighbours.ceilings, quotable),
        }

    def _trained(self, records: Sequence[ModelRecord] | Sequence[EpochRecord]) -> Columns:
        """The columns about a model, its training and its scores."""
        rows = [
            {
                **_model(record.workload),
                **_training(record.run, record.recipe, record.scores),
                **_scores(record.scores, record.workload.task),
            }
            for record in records
        ]
        keys = [self.keys.one(variant_of(record.workload)) for record in records]
        return {**columns_of(rows), "variant_key": keys}


def _common(records: Sequence[Record]) -> Columns:
    workloads = [record.workload for record in records]
    columns = fields_of(workloads, "attention", "batch", "dtype", "mode")
    return {
        "machine_key": [machine_of(record) for record in records],
        **columns,
        "family": [family_of(attention) for attention in columns["attention"]],
        "device": [record.environment.device for record in records],
        **fields_of(records, "status", "reason", "asked_by", "created", "host", "gpu", "key"),
        "notes": ["; ".join(record.notes) for record in records],
    }


def _layers(records: Sequence[LayerRecord], medians: Iterable[float | None]) -> Columns:
    workloads = [record.workload for record in records]
    columns = fields_of(workloads, "impl", "dim", "seed", "batch")
    tokens = [workload.num_tokens for workload in workloads]
    of_batch = zip(medians, tokens, columns["batch"], strict=True)
    return {
        **columns,
        "height": [workload.grid[0] for workload in workloads],
        "width": [workload.grid[1] for workload in workloads],
        "tokens": tokens,
        "heads": [workload.num_heads for workload in workloads],
        "time_per_token_s": [m and m / (batch * count) for m, count, batch in of_batch],
    }


def _model(workload: ModelWorkload) -> Row:
    return {
        "model": workload.model,
        "height": workload.img_size[0],
        "width": workload.img_size[1],
        "num_classes": workload.num_classes,
        "task": workload.task,
        "input_seed": workload.seed,
    }


def _cost(records: Sequence[CostRecord]) -> Columns:
    latencies = [record.latency or NOTHING for record in records]
    memories = [record.memory or NOTHING for record in records]
    macs = [record.macs or NOTHING for record in records]
    intervals = [latency.interval_s or (None, None) for latency in latencies]
    return {
        **fields_of(records, "params", "traffic_bytes"),
        "macs": [one.products_macs for one in macs],
        "training_macs": [one.training_macs for one in macs],
        "uncounted": [", ".join(one.uncounted or ()) for one in macs],
        "latency_low_s": [low for low, _ in intervals],
        "latency_high_s": [high for _, high in intervals],
        "samples": [r.latency and len(r.latency.samples_s) for r in records],
        "rounds_with": [latency.rounds_with or "" for latency in latencies],
        "memory_bytes": [memory.peak_net_bytes for memory in memories],
        "memory_method": [memory.method or "" for memory in memories],
    }


def _trust(records: Sequence[CostRecord], grades: Grades) -> Columns:
    """Grades of the latencies and the doubts about them; empty if no latency was measured."""
    found = [None if record.latency is None else grades.of(record) for record in records]
    return {
        "trust": [trust.grade if trust else "" for trust in found],
        "doubts": [_doubts_text(trust) if trust and trust.doubts else "" for trust in found],
    }


def _doubts_text(trust: Trust) -> str:
    return "; ".join(doubt.text for doubt in trust.doubts)


def _speed_ups(compared: Sequence[Compared | None]) -> Columns:
    ratios = [NOTHING if one is None else one.ratio for one in compared]
    ends = [ratio.interval or (None, None) for ratio in ratios]
    return {
        "speedup": [ratio.value for ratio in ratios],
        "speedup_low": [low for low, _ in ends],
        "speedup_high": [high for _, high in ends],
        "speedup_paired": [ratio.paired for ratio in ratios],
    }


def _training(run: str, recipe: Recipe | None, scores: Scores | None) -> Row:
    """The run and its recipe; the data are those that the scores are of."""
    if recipe is None:
        return {"run": run, "data": ""}
    settings = {f"recipe_{name}": value for name, value in asdict(recipe).items()}
    settings["recipe_img_size"] = "{} × {}".format(*recipe.img_size)
    return {
        "run": run, "data": (scores and scores.scored_on) or recipe.data,
        "epochs": recipe.epochs, "seed": recipe.seed, **settings,
    }  # fmt: skip


def _scores(scores: Scores | None, task: str) -> Row:
    """The scores; the primary one is that of the model's task, if it was scored on it."""
    if scores is None:
        return {}
    primary = primary_score(task) if scores.task == task else None
    return {
        **scores.values,
        PRIMARY: None if primary is None else scores.values.get(primary.key),
        IMAGE_ERROR: None if primary is None else image_error(scores, primary.key),
        "scored_images": scores.count,
        "outcomes_key": scores.outcomes,
        "throughput_per_s": scores.throughput_per_s,
        "predict_each_s": scores.predict_s / scores.count if scores.predict_s else None,
    }
