"""Group comparable models: the same task, data, image size, batch, dtype and mode.

MACs and parameters do not depend on the machine, so they are compared across machines and the
subtitle says so. Latency and memory are compared within one machine only. Seeds are averaged.

A latency that is not good enough to conclude from (`quotable`) has no place on a frontier: the cost
is averaged over the other seeds, and a model without any is left out, with what to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from attnbench.analysis.frame.frames import RECIPE_COLUMNS
from attnbench.analysis.frame.rows import PRIMARY
from attnbench.analysis.keys import machine_order
from attnbench.analysis.quotable import POOR
from attnbench.analysis.remeasure import evaluate_command
from attnbench.analysis.tradeoff.frontier import Point, dominated, joined
from attnbench.errors import UserError
from attnbench.units import METRICS, Metric, primary_score

COSTS = {"macs": "macs", "latency": "latency_s", "memory": "memory_bytes", "params": "params"}
"""The values of `--cost` and their metrics."""

DATA = ("task", "data", "height", "width", "num_classes")
"""The columns for the training data and the task."""
_CALL = ("batch", "dtype", "mode")
_RECIPE = ("epochs", *RECIPE_COLUMNS)
_WHISKERS = "95 % interval of the mean (Student's t)"
_ON_ONE_MACHINE = ("latency_s", "memory_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """Comparable models: their points, which are dominated, and the rows behind each."""

    name: str
    subtitle: str
    score: Metric
    """The primary score of the task."""
    points: tuple[Point, ...]
    beaten: tuple[bool, ...]
    members: tuple[tuple[int, ...], ...]
    """Index of the rows averaged into each point."""
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
    """The groups of comparable models that have the primary score of their task and this cost."""
    usable = _with_good_costs(models, metric).dropna(subset=[PRIMARY])
    for _, rows in usable.groupby([*DATA, *_CALL], sort=True, dropna=False):
        for comparable in _by_machine(rows) if metric in _ON_ONE_MACHINE else [rows]:
            if comparable[metric].notna().any():
                yield _tradeoff(_of_known_cost(comparable, metric), metric)


def _with_good_costs(models: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The models without the latencies that nothing is concluded from, if that is the cost."""
    if metric != "latency_s":
        return models
    return models.assign(latency_s=models["latency_s"].where(models["quotable"]))


def _of_known_cost(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of models with a known cost in at least one seed, if it varies between seeds."""
    if metric != "latency_s":
        return rows.dropna(subset=[metric])
    same = rows.groupby(["variant_key", *_RECIPE], sort=False, dropna=False)
    return rows[same[metric].transform("count") > 0]


def _by_machine(rows: pd.DataFrame) -> list[pd.DataFrame]:
    machines = sorted(set(rows["machine_key"]), key=machine_order)
    return [rows[rows["machine_key"] == machine] for machine in machines]


def left_out(models: pd.DataFrame, metric: str) -> list[str]:
    """One line per trained model that cannot be on a frontier, with the reason."""
    trained = models[models["epochs"].notna()]  # untrained models have no score to plot
    costs = _with_good_costs(trained, metric)[metric]
    missing = trained[trained[PRIMARY].isna() | costs.isna()]
    return [
        f"{row['label']}{_seed(row)} on {row['data'] or 'unnamed data'} is on no frontier: "
        f"{_why(row, metric)}."
        for _, row in missing.iterrows()
    ]


def _seed(row: pd.Series) -> str:
    return "" if pd.isna(row["seed"]) else f" (seed {row['seed']})"


def _why(row: pd.Series, metric: str) -> str:
    if row["status"] != "ok":
        return f"{row['status']}, {row['reason']}"
    if pd.notna(row[PRIMARY]) and pd.notna(row[metric]):
        return f"latency {POOR}; run `{evaluate_command(row['run'])}`"
    if pd.notna(row[PRIMARY]):
        return f"no {METRICS[metric].label} was measured"
    score = primary_score(row["task"])
    if score is None:
        return f"task {row['task']!r} has no primary score"
    return f"no {score.label} was measured"


def _tradeoff(rows: pd.DataFrame, metric: str) -> Tradeoff:
    points: list[Point] = []
    members: list[tuple[int, ...]] = []
    differing = differing_recipe(rows)
    for _, same in rows.groupby(["variant_key", *_RECIPE], sort=False, dropna=False):
        points.append(_point(same, metric, _name(same, rows, differing)))
        members.append(tuple(same.index))
    first = rows.iloc[0]
    score = primary_score(first["task"])
    assert score is not None  # `tradeoffs` drops rows without a primary score
    return Tradeoff(
        name=f"{first['data'] or 'unnamed'}-{first['height']}px-b{first['batch']}-{first['dtype']}",
        subtitle=f"{task_of(rows)}, {_call(rows)}; {_seeds(points)}; {machines_of(rows)}"
        + recipe_warning(differing),
        score=score,
        points=tuple(points),
        beaten=tuple(dominated(points, score.better)),
        members=tuple(members),
        notes=_recipe_notes(rows, differing),
    )


def _point(same: pd.DataFrame, metric: str, name: str) -> Point:
    """The point of one model under one recipe, from the newest record of each seed."""
    seeds = same.sort_values("created").drop_duplicates("seed", keep="last")
    family, attention = same["family"].iloc[0], same["attention"].iloc[0]
    return joined(name, family, attention, list(seeds[metric].dropna()), list(seeds[PRIMARY]))


def differing_recipe(rows: pd.DataFrame) -> list[str]:
    """The recipe columns in which the rows differ, the seed excluded."""
    return [column for column in _RECIPE if rows[column].nunique(dropna=False) > 1]


def recipe_warning(differing: Sequence[str]) -> str:
    """The warning in a subtitle if recipes differ; "" if they are equal."""
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
    return (f"The models on {task_of(rows)} were trained with different recipes ({values}).",)


def _plain(column: str) -> str:
    return column.removeprefix("recipe_")


def _name(same: pd.DataFrame, rows: pd.DataFrame, differing: Sequence[str]) -> str:
    """The label, plus the recipe values that tell several recipes of one model apart."""
    first = same.iloc[0]
    namesakes = rows[rows["variant_key"] == first["variant_key"]]
    recipe = [
        f"{_plain(column)}={first[column]}"
        for column in differing
        if namesakes[column].nunique(dropna=False) > 1
    ]
    return " ".join([first["label"], *recipe])


def task_of(rows: pd.DataFrame) -> str:
    """Task, data, image size and classes, which the rows share."""
    first = rows.iloc[0]
    data = first["data"] or "data not recorded"
    size = f"{first['height']} × {first['width']} px"
    return f"{first['task']} on {data}, {size}, {first['num_classes']} classes"


def _call(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return f"batch {first['batch']}, {first['dtype']}, {first['mode']}"


def _seeds(points: Sequence[Point]) -> str:
    counts = {point.seeds for point in points}
    if counts == {1}:
        return "one seed"
    if len(counts) == 1:
        return f"mean of {counts.pop()} seeds, whiskers: {_WHISKERS}"
    return f"mean of {min(counts)} to {max(counts)} seeds, whiskers: {_WHISKERS}"


def machines_of(rows: pd.DataFrame) -> str:
    """The names of all machines that the rows were measured on."""
    names = list(rows["environment"].unique())
    return names[0] if len(names) == 1 else f"from {len(names)} machines: " + "; ".join(names)
