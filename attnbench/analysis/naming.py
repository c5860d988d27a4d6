"""What a cell is called, and the facts that tell it from others of the same name."""

from __future__ import annotations

from attnbench.records import Record
from attnbench.spec import ModelWorkload, Workload, describe


def name_of(record: Record) -> str:
    """What was measured: "anchor-30 (sdpa)", or "pyramid-t (anchor)" for a model."""
    workload = record.workload
    if isinstance(workload, Workload):
        anchors = workload.options.get("num_anchors")
        name = workload.attention if anchors is None else f"{workload.attention}-{anchors}"
        return f"{name} ({workload.impl})"
    return f"{workload.model} ({workload.attention})" if workload.attention else workload.model


def facts_of(record: Record) -> list[str]:
    """Size, options and mode in reading order, each readable by itself."""
    workload = record.workload
    own = _layer_facts(workload) if isinstance(workload, Workload) else _model_facts(workload)
    facts = [*own, f"batch {workload.batch}", workload.dtype, workload.mode]
    return [fact for fact in facts if fact]


def full_name(record: Record) -> str:
    """Name and all facts on one line."""
    return ", ".join((name_of(record), *facts_of(record)))


def _layer_facts(workload: Workload) -> list[str]:
    height, width = workload.grid
    options = {key: value for key, value in workload.options.items() if key != "num_anchors"}
    size = [f"dim {workload.dim}", f"{workload.num_heads} heads"]
    return [f"{height} × {width} tokens", describe(options), *size]


def _model_facts(workload: ModelWorkload) -> list[str]:
    height, width = workload.img_size
    options = describe(workload.options)
    return [f"{height} × {width} px", options, f"{workload.num_classes} classes"]
