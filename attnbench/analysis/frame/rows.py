"""One record as the columns of a row: plain values in base units, None where nothing was measured.

Columns that are metrics are named by their key in `units.METRICS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from attnbench.analysis.frame.derived import Neighbours, detail_columns, gap_columns, limit_columns
from attnbench.errors import UserError
from attnbench.records import CostRecord, EpochRecord, LayerRecord, ModelRecord, Record, Scores
from attnbench.records.latency import Ratio
from attnbench.records.trust import trust_in
from attnbench.registry import ATTENTIONS
from attnbench.spec import ModelWorkload, Recipe, Workload, describe

OTHER = "other"
"""The family of what is registered nowhere, and of models that are no trunk of ours."""

Row = dict[str, Any]


@cache
def family_of(attention: str) -> str:
    """The family that the attention is registered under."""
    try:
        return ATTENTIONS.find(attention).family
    except UserError:
        return OTHER


def layer_row(record: LayerRecord, environment: str, neighbours: Neighbours) -> Row:
    """Every column of a layer; `environment` is the name under which the report shows it."""
    compared = neighbours.baselines.speed_up(record)
    return {
        **_common(record, environment),
        **_costs(record, neighbours),
        **_layer(record.workload, environment),
        **_speed_up(compared),
        **gap_columns(record, compared, neighbours),
    }


def model_row(record: ModelRecord, environment: str, neighbours: Neighbours) -> Row:
    """Every column of a model."""
    return {
        **_common(record, environment),
        **_costs(record, neighbours),
        **_model(record.workload),
        **_training(record.run, record.recipe),
        **_scores(record.scores),
    }


def epoch_row(record: EpochRecord, environment: str) -> Row:
    """Every column of an epoch."""
    return {
        **_common(record, environment),
        **_model(record.workload),
        **_training(record.run, record.recipe),
        **_scores(record.scores),
        "epoch": record.progress.epoch,
        "train_loss": record.progress.train_loss,
        "train_s": record.progress.train_s,
        "images": record.progress.images,
    }


def _costs(record: CostRecord, neighbours: Neighbours) -> Row:
    """What layers and models have in common."""
    return {
        **_cost(record),
        **_trust(record),
        **detail_columns(record),
        **limit_columns(record, neighbours.ceilings),
    }


def _common(record: Record, environment: str) -> Row:
    workload = record.workload
    return {
        "attention": workload.attention,
        # The attention of a trunk is among its options, and has a column of its own.
        "options": describe(_without(workload.options, "attention")),
        "family": family_of(workload.attention),
        "batch": workload.batch,
        "dtype": workload.dtype,
        "mode": workload.mode,
        "device": record.environment.device,
        "environment": environment,
        "status": record.status,
        "reason": record.reason,
        "asked_by": record.asked_by,
        "created": record.created,
        "notes": "; ".join(record.notes),
        "key": record.key,
    }


def _layer(workload: Workload, environment: str) -> Row:
    anchors = workload.options.get("num_anchors")
    return {
        "impl": workload.impl,
        "height": workload.grid[0],
        "width": workload.grid[1],
        "tokens": workload.num_tokens,
        "anchors": anchors,
        "other_options": describe(_without(workload.options, "num_anchors")),
        "dim": workload.dim,
        "heads": workload.num_heads,
        "conditions": f"{workload.mode}, {workload.dtype}, batch {workload.batch}, "
        f"width {workload.dim}, {workload.num_heads} heads, {environment}",
    }


def _without(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}


def _model(workload: ModelWorkload) -> Row:
    return {
        "model": workload.model,
        "height": workload.img_size[0],
        "width": workload.img_size[1],
        "num_classes": workload.num_classes,
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


def _trust(record: CostRecord) -> Row:
    """Grade of the latency and the names of its doubts; empty where none was measured."""
    if record.latency is None:
        return {"trust": "", "doubts": ""}
    trust = trust_in(record)
    return {"trust": trust.grade, "doubts": "; ".join(doubt.text for doubt in trust.doubts)}


def _speed_up(compared: tuple[str, Ratio] | None) -> Row:
    if compared is None:
        return {"baseline": ""}
    baseline, ratio = compared
    low, high = ratio.interval or (None, None)
    return {
        "speedup": ratio.value,
        "speedup_low": low,
        "speedup_high": high,
        "speedup_paired": ratio.paired,
        "baseline": baseline,
    }


def _training(run: str, recipe: Recipe | None) -> Row:
    if recipe is None:
        return {"run": run, "data": ""}
    settings = {f"recipe_{name}": value for name, value in asdict(recipe).items()}
    return {
        "run": run, "data": recipe.data, "epochs": recipe.epochs, "seed": recipe.seed, **settings,
    }  # fmt: skip


def _scores(scores: Scores | None) -> Row:
    if scores is None:
        return {}
    return {**scores.values, "throughput_per_s": scores.throughput_per_s}
