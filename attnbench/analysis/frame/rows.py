"""Turn one record into one row: plain values in base units, None where not measured.

Metric columns are named by their key in `units.METRICS`. Frames are grouped and joined by the
columns that end in `_key`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from attnbench.analysis.frame.limits import Neighbours, gap_columns, limit_columns
from attnbench.analysis.frame.timing import timing_columns
from attnbench.analysis.image_error import image_error
from attnbench.analysis.keys import (
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
from attnbench.registry import ATTENTIONS
from attnbench.spec import ModelWorkload, Recipe
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
class RowMaker:
    """Turns records into rows."""

    neighbours: Neighbours
    grades: Grades
    keys: Shared = field(default_factory=Shared)

    def layer(self, record: LayerRecord) -> Row:
        """Every column of a layer except its names and options."""
        compared = self.neighbours.baselines.compare(record)
        allow = self.grades.allow
        quotable = compared is not None and allow(record) and allow(compared.baseline)
        return {
            **_common(record),
            **self._costs(record),
            **_layer(record),
            **_speed_up(compared),
            "speedup_quotable": quotable,
            **gap_columns(record, compared, self.neighbours, quotable=quotable),
            "conditions_key": self.keys.one(conditions_of(record)),
            "implementation_key": self.keys.one(implementation_of(record.workload)),
            "baseline_key": compared
            and self.keys.one(implementation_of(compared.baseline.workload)),
        }

    def model(self, record: ModelRecord) -> Row:
        """Every column of a model except its name and options."""
        return {
            **_common(record),
            **self._costs(record),
            **_model(record.workload),
            **_training(record.run, record.recipe, record.scores),
            **_scores(record.scores, record.workload.task),
            "variant_key": self.keys.one(variant_of(record.workload)),
        }

    def epoch(self, record: EpochRecord) -> Row:
        """Every column of an epoch except its model's name and options."""
        return {
            **_common(record),
            **_model(record.workload),
            **_training(record.run, record.recipe, record.scores),
            **_scores(record.scores, record.workload.task),
            "variant_key": self.keys.one(variant_of(record.workload)),
            "epoch": record.progress.epoch,
            "train_loss": record.progress.train_loss,
            "train_s": record.progress.train_s,
            "images": record.progress.images,
        }

    def _costs(self, record: CostRecord) -> Row:
        """The cost columns that layers and models share."""
        quotable = self.grades.allow(record)
        return {
            **_cost(record),
            **_trust(record, self.grades),
            "quotable": quotable,
            **timing_columns(record),
            **limit_columns(record, self.neighbours.ceilings, quotable=quotable),
        }


def _common(record: Record) -> Row:
    workload = record.workload
    return {
        "machine_key": machine_of(record),
        "attention": workload.attention,
        "family": family_of(workload.attention),
        "batch": workload.batch,
        "dtype": workload.dtype,
        "mode": workload.mode,
        "device": record.environment.device,
        "status": record.status,
        "reason": record.reason,
        "asked_by": record.asked_by,
        "created": record.created,
        "host": record.host,
        "gpu": record.gpu,
        "notes": "; ".join(record.notes),
        "key": record.key,
    }


def _layer(record: LayerRecord) -> Row:
    workload = record.workload
    row = {
        "impl": workload.impl,
        "height": workload.grid[0],
        "width": workload.grid[1],
        "tokens": workload.num_tokens,
        "dim": workload.dim,
        "heads": workload.num_heads,
        "seed": workload.seed,
    }
    if record.latency is not None:
        tokens = workload.batch * workload.num_tokens
        row["time_per_token_s"] = record.latency.median_s / tokens
    return row


def _model(workload: ModelWorkload) -> Row:
    return {
        "model": workload.model,
        "height": workload.img_size[0],
        "width": workload.img_size[1],
        "num_classes": workload.num_classes,
        "task": workload.task,
        "input_seed": workload.seed,
    }


def _cost(record: CostRecord) -> Row:
    macs, latency, memory = record.macs, record.latency, record.memory
    interval = latency.interval_s if latency else None
    return {
        "params": record.params,
        "macs": macs.products_macs if macs else None,
        "training_macs": macs.training_macs if macs else None,
        "uncounted": ", ".join(macs.uncounted) if macs else "",
        "traffic_bytes": record.traffic_bytes,
        "latency_s": latency.median_s if latency else None,
        "latency_low_s": interval[0] if interval else None,
        "latency_high_s": interval[1] if interval else None,
        "samples": len(latency.samples_s) if latency else None,
        "rounds_with": latency.rounds_with if latency else "",
        "memory_bytes": memory.peak_net_bytes if memory else None,
        "memory_method": memory.method if memory else "",
    }


def _trust(record: CostRecord, grades: Grades) -> Row:
    """Grade of the latency and the doubts about it; empty if no latency was measured."""
    if record.latency is None:
        return {"trust": "", "doubts": ""}
    trust = grades.of(record)
    return {"trust": trust.grade, "doubts": "; ".join(doubt.text for doubt in trust.doubts)}


def _speed_up(compared: Compared | None) -> Row:
    if compared is None:
        return {}
    ratio = compared.ratio
    low, high = ratio.interval or (None, None)
    return {
        "speedup": ratio.value,
        "speedup_low": low,
        "speedup_high": high,
        "speedup_paired": ratio.paired,
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
