"""The cells of the page: layers and models in one table, from which it also draws its curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from attnbench.analysis.frame.rows import PRIMARY
from attnbench.analysis.growth.curves import squarest
from attnbench.analysis.remeasure import cells_of, commands, model_command
from attnbench.analysis.selection.leading import leading
from attnbench.analysis.tradeoff.groups import DATA, task_of
from attnbench.records import ModelRecord
from attnbench.report.page.data.columns import coded, flags, numbers
from attnbench.units import METRICS

TEXTS = (
    "kind", "label", "attention", "size", "mode", "dtype", "device", "trust", "status", "reason",
    "doubts", "bound_by", "notes", "about", "scores", "command",
)  # fmt: skip
NUMBERS = (
    "tokens", "height", "width", "batch", "samples", "params", "macs", "latency_s",
    "latency_low_s", "latency_high_s", "memory_bytes", "energy_j", "speedup", "speedup_low",
    "speedup_high", "percent_of_limit", "macs_per_s", "macs_per_byte", "score",
)  # fmt: skip
FLAGS = ("quotable", "speedup_quotable", "fused", "on_line")
PLACES = ("conditions", "series")


def cells(
    layers: pd.DataFrame, models: pd.DataFrame, records: Mapping[str, ModelRecord]
) -> dict[str, Any]:
    """Columns of the cells, with the series that each layer belongs to.

    Args:
        layers: the layers that the page has room for.
        models: the same of models.
        records: those of the models by key, which know their commands.
    """
    both = pd.concat([_layers(layers), _models(models, records)], ignore_index=True)
    return {
        "texts": {name: coded(both[name].tolist()) for name in TEXTS},
        "numbers": {name: numbers(both[name]) for name in NUMBERS},
        "flags": {name: flags(both[name]) for name in FLAGS},
        "places": {name: both[name].tolist() for name in PLACES},
        "series": _series(layers),
    }


def _layers(layers: pd.DataFrame) -> pd.DataFrame:
    own = [commands([cell])[0] for cell in cells_of(layers)]
    sizes = zip(layers["height"], layers["width"], layers["tokens"], strict=True)
    on_line = layers.index.isin(squarest(layers).index)
    return _shared(layers).assign(
        kind="layer", on_line=on_line, command=own, score=float("nan"), scores="",
        size=[f"{tokens:,} tokens ({height} × {width})" for height, width, tokens in sizes],
        about=[_sizes_text(row) for row in layers[["dim", "heads", "seed"]].itertuples()],
        conditions=_places(layers["conditions_key"]),
        series=_places(layers["implementation_key"]),
    )  # fmt: skip


def _sizes_text(row: Any) -> str:
    seed = f", seed {row.seed}" if row.seed else ""
    return f"width {row.dim}, {row.heads} heads{seed}"


def _models(models: pd.DataFrame, records: Mapping[str, ModelRecord]) -> pd.DataFrame:
    sizes = zip(models["height"], models["width"], strict=True)
    about = _tasks(models)
    return _shared(models).assign(
        kind="model", on_line=False, score=models[PRIMARY], tokens=float("nan"),
        scores=_scores(models),
        speedup=float("nan"), speedup_low=float("nan"), speedup_high=float("nan"),
        speedup_quotable=False, conditions=-1, series=-1,
        size=[f"{height} × {width} px" for height, width in sizes],
        about=[f"{text}{_training(row)}" for text, row in zip(
            about, models[["epochs", "seed", "recipe"]].itertuples(), strict=True)],
        command=[_command(records.get(key)) for key in models["key"]],
    )  # fmt: skip


def _scores(models: pd.DataFrame) -> list[str]:
    """All scores of each model that are shares: "top-1 accuracy 81.1 %, top-5 accuracy 95.0 %"."""
    shares = [METRICS[name] for name in models if name in METRICS
              and METRICS[name].quantity == "share"]  # fmt: skip
    columns = [models[one.key].tolist() for one in shares]
    return [
        ", ".join(f"{one.label} {one.format(value)}"
                  for one, value in zip(shares, values, strict=True) if pd.notna(value))
        for values in zip(*columns, strict=True)
    ] if shares else [""] * len(models)  # fmt: skip


def _tasks(models: pd.DataFrame) -> list[str]:
    """Task and data of each model; each distinct one is worded once, as a frame is slow to cut."""
    keys = list(zip(*(models[name].tolist() for name in DATA), strict=True))
    texts: dict[Any, str] = {}
    for place, key in enumerate(keys):
        if key not in texts:
            texts[key] = task_of(models.iloc[[place]])
    return [texts[key] for key in keys]


def _training(row: Any) -> str:
    if pd.isna(row.epochs):
        return ""
    recipe = f", {row.recipe}" if row.recipe else ""
    return f", {row.epochs} epochs, seed {row.seed}{recipe}"


def _command(record: ModelRecord | None) -> str:
    return "" if record is None else model_command(record)


def _shared(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(device=rows["environment"])


def _places(keys: pd.Series) -> list[int]:
    """The number of each key, in order of first appearance."""
    known: dict[Any, int] = {}
    return [known.setdefault(key, len(known)) for key in keys]


def _series(layers: pd.DataFrame) -> list[dict[str, Any]]:
    """Each implementation: its names, and the conditions under which it leads its mechanism."""
    conditions = {key: at for at, key in enumerate(dict.fromkeys(layers["conditions_key"]))}
    leads: dict[Any, list[int]] = {}
    for condition, implementation in leading(layers):
        leads.setdefault(implementation, []).append(conditions[condition])
    named = layers.drop_duplicates("implementation_key")
    return [
        {"name": row.label, "attention": row.attention,
         "leads": sorted(leads.get(row.implementation_key, []))}
        for row in named[["label", "attention", "implementation_key"]].itertuples()
    ]  # fmt: skip


def metrics() -> dict[str, dict[str, Any]]:
    """Label, axis and format of each metric; the page has a function for each format."""
    return {
        key: {"label": one.label, "axis": one.axis_label, "scale": one.scale,
              "better": one.better, "format": one.format.__name__.removeprefix("format_")}
        for key, one in METRICS.items()
    }  # fmt: skip
