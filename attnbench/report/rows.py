"""One record as the columns of a row: plain values in base units, None where nothing was measured.

Columns that are metrics are named by their key in `units.METRICS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from attnbench.errors import UserError
from attnbench.records import Record, describe
from attnbench.registry import ATTENTIONS
from attnbench.report.details import Neighbours, detail_columns, gap_columns, limit_columns
from attnbench.spec import ModelWorkload, Workload
from attnbench.timing import Ratio
from attnbench.trust import trust_in

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


def row_of(record: Record, environment: str, neighbours: Neighbours) -> Row:
    """Every column of the record; `environment` is the name under which the report shows it."""
    workload = record.workload
    row = _common(record, environment) | _cost(record) | _trust(record) | _training(record)
    row |= detail_columns(record) | limit_columns(record, neighbours.ceilings)
    if isinstance(workload, Workload):
        compared = neighbours.baselines.speed_up(record)
        row |= _layer(workload, environment) | _speed_up(compared)
        return row | gap_columns(record, compared, neighbours)
    return row | _model(workload)


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


def _cost(record: Record) -> Row:
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


def _trust(record: Record) -> Row:
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


def _training(record: Record) -> Row:
    accuracy, progress, recipe = record.accuracy, record.progress, record.recipe
    row: Row = {"run": record.run, "data": recipe.data if recipe else ""}
    if accuracy:
        row |= {"top1": accuracy.top1, "top5": accuracy.top5, "loss": accuracy.loss}
        row |= {"throughput_per_s": accuracy.throughput_per_s, "images": accuracy.images}
    if progress:
        row |= {"epoch": progress.epoch, "train_loss": progress.train_loss}
        row |= {"train_s": progress.train_s, "images": progress.images}
    if recipe:
        row |= {"epochs": recipe.epochs, "seed": recipe.seed}
        row |= {f"recipe_{name}": value for name, value in asdict(recipe).items()}
    return row
