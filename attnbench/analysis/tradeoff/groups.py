"""Models that may be compared: the same data, image size and conditions, seeds joined.

Cost that does not depend on the machine (MACs, parameters) is compared across machines, and the
subtitle says so; latency and memory only within one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from attnbench.analysis.frame.frames import RECIPE_COLUMNS
from attnbench.analysis.tradeoff.frontier import Point, dominated, joined
from attnbench.errors import UserError
from attnbench.units import METRICS

COSTS = {"macs": "macs", "latency": "latency_s", "memory": "memory_bytes", "params": "params"}
"""What `--cost` may say, and the metric that it means."""

TASK = ("data", "height", "width", "num_classes")
_SETTING = ("batch", "dtype", "mode")
_RECIPE = ("epochs", *RECIPE_COLUMNS)
_ON_ONE_MACHINE = ("latency_s", "memory_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """Comparable models: a point each, which ones are dominated, and the rows behind each."""

    name: str
    subtitle: str
    points: tuple[Point, ...]
    beaten: tuple[bool, ...]
    members: tuple[tuple[int, ...], ...]
    """Index of the rows that were joined into each point."""
    notes: tuple[str, ...]


def metric_of(cost: str) -> str:
    """The metric behind the name of a cost axis.

    Raises:
        UserError: there is no such cost axis.
    """
    if cost not in COSTS:
        raise UserError(f"--cost must be one of {', '.join(COSTS)}; got {cost!r}")
    return COSTS[cost]


def tradeoffs(models: pd.DataFrame, metric: str) -> Iterator[Tradeoff]:
    """Each group of comparable models that has an accuracy and that cost."""
    columns = [*TASK, *_SETTING]
    if metric in _ON_ONE_MACHINE:
        columns.append("environment")
    usable = models.dropna(subset=["top1", metric])
    for _, rows in usable.groupby(columns, sort=True, dropna=False):
        yield _tradeoff(rows, metric)


def left_out(models: pd.DataFrame, metric: str) -> list[str]:
    """A line for each trained model that no frontier can hold, with the reason."""
    trained = models[models["epochs"].notna()]  # the others were counted or timed, and never meant
    missing = trained[trained["top1"].isna() | trained[metric].isna()]
    return [
        f"{row['label']} on {row['data'] or 'unnamed data'} is on no frontier: {_why(row, metric)}."
        for _, row in missing.iterrows()
    ]


def _why(row: pd.Series, metric: str) -> str:
    if row["status"] != "ok":
        return f"{row['status']}, {row['reason']}"
    what = "top1" if pd.isna(row["top1"]) else metric
    return f"no {METRICS[what].label} was measured"


def _tradeoff(rows: pd.DataFrame, metric: str) -> Tradeoff:
    points: list[Point] = []
    members: list[tuple[int, ...]] = []
    differing = differing_recipe(rows)
    for _, same in rows.groupby(["label", *_RECIPE], sort=False, dropna=False):
        seeds = same.sort_values("created").drop_duplicates("seed", keep="last")
        name = _name(same, rows, differing)
        points.append(
            joined(name, same["family"].iloc[0], list(seeds[metric]), list(seeds["top1"]))
        )
        members.append(tuple(same.index))
    first = rows.iloc[0]
    return Tradeoff(
        name=f"{first['data'] or 'unnamed'}-{first['height']}px-b{first['batch']}-{first['dtype']}",
        subtitle=f"{task_of(rows)}, {_setting(rows)}; {_seeds(points)}; {machines_of(rows)}"
        + recipe_warning(differing),
        points=tuple(points),
        beaten=tuple(dominated(points)),
        members=tuple(members),
        notes=_recipe_notes(rows, differing),
    )


def differing_recipe(rows: pd.DataFrame) -> list[str]:
    """The columns of the training recipe, seed apart, in which the rows are not all the same."""
    return [column for column in _RECIPE if rows[column].nunique(dropna=False) > 1]


def recipe_warning(differing: Sequence[str]) -> str:
    """What a subtitle adds where recipes differ; empty where they are all the same."""
    if not differing:
        return ""
    return f"; NOT the same recipe: {', '.join(_plain(column) for column in differing)} differ"


def _recipe_notes(rows: pd.DataFrame, differing: Sequence[str]) -> tuple[str, ...]:
    if not differing:
        return ()
    values = "; ".join(
        f"{_plain(column)}: {', '.join(sorted(str(value) for value in rows[column].unique()))}"
        for column in differing
    )
    return (f"The models on {task_of(rows)} were not trained by the same recipe ({values}).",)


def _plain(column: str) -> str:
    return column.removeprefix("recipe_")


def _name(same: pd.DataFrame, rows: pd.DataFrame, differing: Sequence[str]) -> str:
    """The label, with the recipe's differences where the label stands for several recipes."""
    first = same.iloc[0]
    namesakes = rows[rows["label"] == first["label"]]
    details = [
        f"{_plain(column)}={first[column]}"
        for column in differing
        if namesakes[column].nunique(dropna=False) > 1
    ]
    return " ".join([first["label"], *details])


def task_of(rows: pd.DataFrame) -> str:
    """The data and the image size of rows that share them."""
    first = rows.iloc[0]
    data = first["data"] or "data not recorded"
    return f"{data}, {first['height']} × {first['width']} px, {first['num_classes']} classes"


def _setting(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return f"batch {first['batch']}, {first['dtype']}, {first['mode']}"


def _seeds(points: Sequence[Point]) -> str:
    counts = {point.seeds for point in points}
    if counts == {1}:
        return "one seed"
    if len(counts) == 1:
        return f"mean of {counts.pop()} seeds, whiskers from worst to best"
    return f"mean of {min(counts)} to {max(counts)} seeds, whiskers from worst to best"


def machines_of(rows: pd.DataFrame) -> str:
    """Where the rows were measured, every machine named."""
    names = list(rows["environment"].unique())
    return names[0] if len(names) == 1 else f"from {len(names)} machines: " + "; ".join(names)
