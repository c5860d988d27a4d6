"""Records as data frames: one row a cell, columns named as in `units.METRICS`, base units.

What was not measured is missing (an empty field of the CSV), and the status beside it says why.
`conditions` is one readable string; layers are drawn together only where it is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import pandas as pd

from attnbench.analysis.frame.derived import DETAIL_COLUMNS, GAP_COLUMNS, LIMIT_COLUMNS, Neighbours
from attnbench.analysis.frame.rows import Row, epoch_row, layer_row, model_row
from attnbench.analysis.limits.macs_gap import Twins
from attnbench.analysis.limits.roofline import Ceilings, can_be_placed
from attnbench.analysis.selection.newest import newest
from attnbench.analysis.speedup.baseline import Baselines
from attnbench.records import (
    Ceiling,
    CostRecord,
    Environment,
    EpochRecord,
    LayerRecord,
    ModelRecord,
    Record,
    of_type,
)
from attnbench.spec import Recipe

RECIPE_COLUMNS = tuple(
    f"recipe_{field.name}"
    for field in fields(Recipe)
    if field.name not in ("data", "img_size", "epochs", "seed")  # these have columns of their own
)

_SETTING = {
    "batch": "int64", "dtype": "str", "mode": "str", "device": "str", "environment": "str",
}  # fmt: skip
_COST = {
    "params": "Int64", "macs": "Int64", "training_macs": "Int64", "uncounted": "str",
    "traffic_bytes": "Int64", "latency_s": "float64", "latency_low_s": "float64",
    "latency_high_s": "float64", "samples": "Int64", "rounds_with": "str", "memory_bytes": "Int64",
    "memory_method": "str", "trust": "str", "doubts": "str",
}  # fmt: skip
_SPEED_UP = {
    "speedup": "float64", "speedup_low": "float64", "speedup_high": "float64",
    "speedup_paired": "boolean", "baseline": "str",
}  # fmt: skip
_ACCURACY = {"top1": "float64", "top5": "float64", "loss": "float64"}
_ORIGIN = {
    "status": "str",
    "reason": "str",
    "asked_by": "str",
    "created": "str",
    "notes": "str",
    "key": "str",
}
_MODEL = {
    "label": "str", "model": "str", "attention": "str", "options": "str", "family": "str",
    "data": "str", "height": "int64", "width": "int64", "num_classes": "int64",
    "epochs": "Int64", "seed": "Int64",
}  # fmt: skip

LAYER_COLUMNS = {
    "label": "str", "attention": "str", "impl": "str", "options": "str", "other_options": "str",
    "family": "str", "height": "int64", "width": "int64", "tokens": "int64", "anchors": "Int64",
    "dim": "int64", "heads": "int64", **_SETTING, "conditions": "str", **_COST, **_SPEED_UP,
    **GAP_COLUMNS, **DETAIL_COLUMNS, "time_per_token_s": "float64", **LIMIT_COLUMNS, **_ORIGIN,
}  # fmt: skip
MODEL_COLUMNS = {
    **_MODEL, **_SETTING, **_ACCURACY, **_COST, "throughput_per_s": "float64", **DETAIL_COLUMNS,
    **LIMIT_COLUMNS, "run": "str", **_ORIGIN,
}  # fmt: skip
EPOCH_COLUMNS = {
    "run": "str", "epoch": "int64", **_MODEL, **_SETTING, "train_loss": "float64",
    "train_s": "float64", "images": "Int64", **_ACCURACY, **_ORIGIN,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """The records of each kind, and what a reader must know about how they were chosen."""

    layers: pd.DataFrame
    models: pd.DataFrame
    epochs: pd.DataFrame
    notes: tuple[str, ...]


def build(records: Sequence[Record], ceilings: Sequence[Ceiling] = ()) -> Frames:
    """The newest record of each cell as a row, and each layer compared with its baseline.

    Where there are ceilings of its machine, each cell is held against these, too.
    """
    shown = newest(records)
    names = _environment_names({record.environment.conditions for record in shown.records})
    layers, costs = of_type(shown.records, LayerRecord), of_type(shown.records, CostRecord)
    near = Neighbours(
        baselines=Baselines(of_type(records, LayerRecord), layers),
        twins=Twins(layers),
        ceilings=Ceilings(ceilings),
    )

    def name(record: Record) -> str:
        return names[record.environment.conditions]

    models, epochs = of_type(shown.records, ModelRecord), of_type(shown.records, EpochRecord)
    return Frames(
        layers=_layers([layer_row(record, name(record), near) for record in layers]),
        models=_models([model_row(record, name(record), near) for record in models], MODEL_COLUMNS),
        epochs=_models([epoch_row(record, name(record)) for record in epochs], EPOCH_COLUMNS),
        notes=(*shown.notes, *_without_limits(costs, names, near.ceilings)),
    )


def _without_limits(
    records: Iterable[CostRecord], names: dict[Environment, str], known: Ceilings
) -> list[str]:
    """What to run where cells could be held against limits, and none were measured."""
    places = {
        f"{names[record.environment.conditions]}, {record.workload.dtype}": None
        for record in records
        if can_be_placed(record) and known.of(record) is None
    }
    if not places:
        return []
    return [
        f"No limits are known of {'; '.join(places)}: run `attnbench ceilings` on this machine to "
        "see how near each cell comes to its limit, and give its file to the report."
    ]


def _environment_names(machines: Iterable[Environment]) -> dict[Environment, str]:
    """A name for each machine, with all details where two would read the same."""
    short = {m: m.label + (f", CUDA {m.cuda}" if m.cuda else "") for m in machines}
    names = list(short.values())
    return {
        m: name
        if names.count(name) == 1
        else f"{name}, Python {m.python}, {m.platform}, {m.threads} host threads"
        for m, name in short.items()
    }


def _layers(rows: list[Row]) -> pd.DataFrame:
    """Layers, ordered by conditions and tokens; `label` tells those of one grid apart."""
    frame = pd.DataFrame(rows, columns=list(LAYER_COLUMNS))
    frame["label"] = [
        _label(name, impl, options)
        for name, impl, options in zip(
            *(frame[column].tolist() for column in ("attention", "impl", "options")), strict=True
        )
    ]
    order = ["conditions", "tokens", "height"]
    return frame.astype(LAYER_COLUMNS).sort_values(order, kind="stable", ignore_index=True)


def _models(rows: list[Row], columns: dict[str, str]) -> pd.DataFrame:
    """Models or epochs; `label` says attention and options only where there are several."""
    frame = pd.DataFrame(rows, columns=[*columns, *RECIPE_COLUMNS])
    attentions = frame.groupby("model")["attention"].transform("nunique")
    options = frame.groupby(["model", "attention"])["options"].transform("nunique")
    frame["label"] = [
        _label(model, attention if many > 1 else "", option if more > 1 else "")
        for model, attention, option, many, more in zip(
            frame["model"], frame["attention"], frame["options"], attentions, options, strict=True
        )
    ]
    return frame.astype(columns)


def _label(name: str, *details: str) -> str:
    """The name with its details in brackets: "anchor (reference, num_anchors=30)"."""
    inside = ", ".join(detail for detail in details if detail)
    return f"{name} ({inside})" if inside else name
