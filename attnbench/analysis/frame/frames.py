"""Records as data frames: one row per cell, columns named as in `units.METRICS`, base units.

A value that was not measured is missing (an empty field in the CSV); the row's status says why.
Columns that end in `_key` hold typed keys (see `analysis.keys`). Code groups and joins frames by
these keys only. The columns `label`, `environment`, `conditions` and `baseline` are for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from attnbench.analysis.frame.columns import Columns, as_types, frame_of
from attnbench.analysis.frame.limits import GAP_COLUMNS, LIMIT_COLUMNS, Neighbours
from attnbench.analysis.frame.rows import IMAGE_ERROR, PRIMARY, ColumnMaker
from attnbench.analysis.frame.timing import TIMING_COLUMNS
from attnbench.analysis.keys import Implementation, machine_of
from attnbench.analysis.limits.impossible import trust_beside
from attnbench.analysis.limits.macs_gap import Twins
from attnbench.analysis.limits.roofline import Ceilings, can_be_placed
from attnbench.analysis.naming import (
    MachineNames,
    implementation_names,
    option_texts,
    variant_names,
)
from attnbench.analysis.quotable import Grades
from attnbench.analysis.selection.newest import newest
from attnbench.analysis.speedup.baseline import Baselines
from attnbench.records import (
    Ceiling,
    CostRecord,
    EpochRecord,
    LayerRecord,
    ModelRecord,
    Record,
    of_type,
)
from attnbench.records.latency import work_out_intervals
from attnbench.spec import Recipe

RECIPE_COLUMNS = tuple(
    f"recipe_{field.name}"
    for field in fields(Recipe)
    if field.name not in ("data", "epochs", "seed")  # these have columns of their own
)

_CALL = {
    "batch": "int64", "dtype": "str", "mode": "str", "device": "str", "environment": "str",
    "machine_key": "object",
}  # fmt: skip
_COST = {
    "params": "Int64", "macs": "Int64", "training_macs": "Int64", "uncounted": "str",
    "traffic_bytes": "Int64", "latency_s": "float64", "latency_low_s": "float64",
    "latency_high_s": "float64", "samples": "Int64", "rounds_with": "str", "memory_bytes": "Int64",
    "memory_method": "str", "trust": "str", "doubts": "str", "quotable": "bool",
}  # fmt: skip
_SPEED_UP = {
    "speedup": "float64", "speedup_low": "float64", "speedup_high": "float64",
    "speedup_paired": "boolean", "speedup_quotable": "bool", "baseline": "str",
    "baseline_key": "object",
}  # fmt: skip
_SCORES = {
    "top1": "float64", "top5": "float64", "loss": "float64", PRIMARY: "float64",
    IMAGE_ERROR: "float64", "scored_images": "Int64", "outcomes_key": "object",
}  # fmt: skip
_ORIGIN = {
    "status": "str", "reason": "str", "asked_by": "str", "created": "str", "host": "str",
    "gpu": "str", "notes": "str", "key": "str",
}  # fmt: skip
_MODEL = {
    "label": "str", "variant_key": "object", "model": "str", "attention": "str", "options": "str",
    "family": "str", "task": "str", "data": "str", "height": "int64", "width": "int64",
    "num_classes": "int64", "epochs": "Int64", "seed": "Int64", "recipe": "str",
    "input_seed": "int64",
}  # fmt: skip

LAYER_COLUMNS = {
    "label": "str", "implementation_key": "object", "attention": "str", "impl": "str",
    "options": "str", "family": "str", "height": "int64", "width": "int64", "tokens": "int64",
    "dim": "int64", "heads": "int64", "seed": "int64", **_CALL, "conditions": "str",
    "conditions_key": "object",
    **_COST, **_SPEED_UP, **GAP_COLUMNS, **TIMING_COLUMNS, "time_per_token_s": "float64",
    **LIMIT_COLUMNS, **_ORIGIN,
}  # fmt: skip
MODEL_COLUMNS = {
    **_MODEL, **_CALL, **_SCORES, **_COST, "throughput_per_s": "float64",
    "predict_each_s": "float64", **TIMING_COLUMNS,
    **LIMIT_COLUMNS, "run": "str", **_ORIGIN,
}  # fmt: skip
EPOCH_COLUMNS = {
    "run": "str", "epoch": "int64", **_MODEL, **_CALL, "train_loss": "float64",
    "train_s": "float64", "images": "Int64", **_SCORES, **_ORIGIN,
}  # fmt: skip
NAMES = ("label", "conditions", "recipe", PRIMARY)
"""Columns that other columns of the CSV files repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """The records of each kind, and notes on how they were chosen."""

    layers: pd.DataFrame
    models: pd.DataFrame
    epochs: pd.DataFrame
    machines: MachineNames
    options: Mapping[str, str]
    """The sweepable options that occur in the layers: name → column."""
    notes: tuple[str, ...]


def build(
    records: Sequence[Record], ceilings: Sequence[Ceiling] = (), *, compared: bool = True
) -> Frames:
    """Build the frames: one row for the newest record of each cell, layers with their speed-ups.

    Args:
        records: records of any kind.
        ceilings: measured limits of machines; each cell is compared with those of its own machine.
        compared: whether to compare layers with dense ones; without, they have no speed-ups.
    """
    shown = newest(records)
    machines = MachineNames({machine_of(record): None for record in shown.records})
    costs: list[CostRecord] = [*shown.layers, *shown.models]
    work_out_intervals(record.latency for record in costs if record.latency is not None)
    limits = Ceilings(ceilings)
    grades = Grades(partial(trust_beside, ceilings=limits))
    beside = shown.layers if compared else []
    neighbours = Neighbours(
        baselines=Baselines(of_type(records, LayerRecord) if compared else [], beside),
        twins=Twins(grades.allowed(beside)),
        ceilings=limits,
    )
    make = ColumnMaker(neighbours=neighbours, grades=grades)
    layers = _layers(make.layers(shown.layers), len(shown.layers), machines)
    options = _option_columns(layers["implementation_key"])
    return Frames(
        layers=_with_options(layers, options),
        models=_models(shown.models, make.models(shown.models), MODEL_COLUMNS, machines),
        epochs=_models(shown.epochs, make.epochs(shown.epochs), EPOCH_COLUMNS, machines),
        machines=machines,
        options=options,
        notes=(*shown.notes, *_without_limits(costs, machines, neighbours.ceilings)),
    )


def _without_limits(
    records: Iterable[CostRecord], machines: MachineNames, known: Ceilings
) -> list[str]:
    """A note that names the machines whose limits were not measured, and what to run."""
    unknown = {
        (machine_of(record), record.workload.dtype): None
        for record in records
        if can_be_placed(record) and known.of(record) is None
    }
    if not unknown:
        return []
    texts = [f"{machines.machine(machine)}, {dtype}" for machine, dtype in unknown]
    return [
        f"The limits of {'; '.join(texts)} were not measured: run `attnbench ceilings` on this "
        "machine to see how close each cell comes to its limit, and pass its file to the report."
    ]


def _layers(columns: Columns, count: int, machines: MachineNames) -> pd.DataFrame:
    """Layers with their names, ordered by conditions, tokens and height."""
    implementations, conditions = columns["implementation_key"], columns["conditions_key"]
    compared = (key for key in columns["baseline_key"] if key is not None)
    names = implementation_names([*implementations, *compared])
    columns["label"] = _named(implementations, names.__getitem__)
    columns["baseline"] = _named(columns["baseline_key"], names.__getitem__)
    columns["options"] = option_texts([key.options for key in implementations])
    columns["environment"] = _named(columns["machine_key"], machines.machine)
    columns["conditions"] = _named(conditions, machines.conditions)
    distinct = sorted(set(conditions), key=lambda key: key.order)
    rank = {key: number for number, key in enumerate(distinct)}
    places = np.array([rank[key] for key in conditions])
    order = np.lexsort((columns["height"], columns["tokens"], places))
    frame = frame_of(columns, LAYER_COLUMNS, count)
    return frame.iloc[order].reset_index(drop=True)


def _named(keys: Iterable[Any], name: Callable[[Any], str]) -> list[str]:
    """The name of each key; "" where the key is None. Each distinct key is named once."""
    keys = list(keys)
    names = {key: "" if key is None else name(key) for key in set(keys)}
    return [names[key] for key in keys]


def _option_columns(implementations: Iterable[Implementation]) -> dict[str, str]:
    """The column of each sweepable option: its name, or `option_NAME` if that is taken."""
    found = {name: None for key in dict.fromkeys(implementations) for name in key.swept}
    return {name: f"option_{name}" if name in LAYER_COLUMNS else name for name in found}


def _with_options(layers: pd.DataFrame, options: Mapping[str, str]) -> pd.DataFrame:
    """Add a column for each sweepable option, after the token count."""
    position = list(layers.columns).index("tokens") + 1
    for name, column in reversed(list(options.items())):
        keys = layers["implementation_key"].tolist()
        by_key = {key: key.swept.get(name) for key in set(keys)}
        values = [by_key[key] for key in keys]
        layers.insert(position, column, pd.Series(values, dtype="object").convert_dtypes())
    return layers


def _differing_recipes(frame: pd.DataFrame) -> list[str]:
    """For each model, the settings in which the recipes differ: "lr=0.001, flip=True"."""
    differing = [name for name in RECIPE_COLUMNS if frame[name].nunique(dropna=False) > 1]
    rows = frame[differing].to_dict("records")
    return [
        ", ".join(f"{str(name).removeprefix('recipe_')}={row[name]}"
                  for name in differing if pd.notna(row[name]))
        for row in rows
    ]  # fmt: skip


def _models(
    records: Sequence[ModelRecord] | Sequence[EpochRecord],
    columns: Columns,
    types: dict[str, str],
    machines: MachineNames,
) -> pd.DataFrame:
    """Models or epochs with their names, and a column for each score."""
    scores = dict.fromkeys(
        name for record in records if record.scores for name in record.scores.values
    )
    further = dict.fromkeys([name for name in (*scores, *RECIPE_COLUMNS) if name not in types], "")
    frame = frame_of(columns, types | further, len(records))
    frame["recipe"] = _differing_recipes(frame)
    names = variant_names(frame["variant_key"])
    frame["label"] = _named(frame["variant_key"], names.__getitem__)
    # The attention of a model is among its options, and has a column of its own.
    frame["options"] = option_texts([key.own_options for key in frame["variant_key"]])
    frame["environment"] = _named(frame["machine_key"], machines.machine)
    return frame.astype(as_types(types))
