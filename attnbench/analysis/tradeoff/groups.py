"""Group comparable models: the same task, data, image size, batch, dtype and mode.

MACs and parameters do not depend on the machine, so they are compared across machines and the
subtitle says so. Latency, memory and energy are compared within one machine only. Seeds are
averaged.

A latency that is not good enough to conclude from (`quotable`) has no place on a frontier: the cost
is averaged over the other seeds, and a model without any is left out, with what to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan
from typing import Any

import pandas as pd

from attnbench.analysis.frame.rows import IMAGE_ERROR, PRIMARY
from attnbench.analysis.growth.curves import together
from attnbench.analysis.keys import machine_order
from attnbench.analysis.paired.difference import MOST_PAIRED, Runs, differences_of, runs_of
from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.quotable import POOR
from attnbench.analysis.remeasure import evaluate_command
from attnbench.analysis.shortened import Lines, some_of
from attnbench.analysis.tradeoff.frontier import Point, dominated, joined
from attnbench.analysis.tradeoff.recipes import (
    RECIPE,
    differing_recipe,
    names_with_recipes,
    recipe_notes,
    recipe_warning,
)
from attnbench.analysis.tradeoff.standing import Differences, Standing, standings
from attnbench.errors import UserError
from attnbench.units import METRICS, Metric, primary_score

COSTS = {
    "macs": "macs", "latency": "latency_s", "memory": "memory_bytes", "energy": "energy_j",
    "params": "params",
}  # fmt: skip
"""The values of `--cost` and their metrics."""

DATA = ("task", "data", "height", "width", "num_classes")
"""The columns for the training data and the task."""
_CALL = ("batch", "dtype", "mode")
_Values = dict[int, list[Any]]
"""Numbers by the point that they are averaged into."""
_WHISKERS = "95 % interval of the mean, over seeds and images"
MOST_MACHINES = 4
"""Named in one line of text."""
ON_ONE_MACHINE = ("latency_s", "memory_bytes", "energy_j")
"""Costs that are compared within one machine only."""
_BOUNDS = ("latency_low_s", "latency_high_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """Comparable models: their points, which are dominated, and the rows behind each.

    Texts are made when they are asked for: of thousands of groups few are shown.
    """

    score: Metric
    """The primary score of the task."""
    points: tuple[Point, ...]
    beaten: tuple[bool, ...]
    """Which have a mean below another's at no higher cost: where the line of a figure runs."""
    members: tuple[tuple[int, ...], ...]
    """Index of the rows averaged into each point."""
    models: pd.DataFrame
    """The rows of this group, and of others."""
    runs: tuple[Runs | None, ...] = ()
    """What each point did on each image; None where that was not kept."""

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of this group, in the order of the frame."""
        return self.models.loc[sorted(index for rows in self.members for index in rows)]

    @property
    def name(self) -> str:
        """Task, data, size, batch and dtype, for the name of a file; what is usual is left out."""
        first = self.models.loc[self.members[0][0]]
        data = first["data"] or "unnamed"
        size = f"{first['height']}x{first['width']}".removesuffix(f"x{first['height']}")
        name = f"{data}-{size}px-b{first['batch']}-{first['dtype']}"
        return name if first["task"] == "classification" else f"{first['task']}-{name}"

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Where each point stands, no stronger than the intervals allow."""
        return tuple(standings(self.points, self.score.better, self.differences))

    @property
    def dominated(self) -> tuple[bool, ...]:
        """Which points another one surely beats."""
        return tuple(one.verdict == "dominated" for one in self.standings)

    @property
    def differences(self) -> Differences:
        """The intervals of the pairs that were judged on the same images with several seeds."""
        return differences_of(self.runs)

    @property
    def paired(self) -> str:
        """How many models are compared image by image; "" for none."""
        known = {place for pair in self.differences for place in pair}
        if not known:
            return ""
        return f"{len(known)} of {len(self.points)} models are compared on the same images"

    @property
    def subtitle(self) -> str:
        """What the models share, the seeds, the machines, and whether recipes differ."""
        rows = self.rows
        shared = f"{task_of(rows)}, {call_of(rows)}; {_seeds(self.points)}; {machines_of(rows)}"
        return shared + recipe_warning(differing_recipe(rows))

    @property
    def notes(self) -> tuple[str, ...]:
        """Whether models were trained with different recipes, and how they are compared."""
        rows = self.rows
        paired = (f"{self.paired} ({task_of(rows)}).",) if self.paired else ()
        return (*recipe_notes(rows, task_of(rows)), *paired, *self._unpaired(rows))

    def _unpaired(self, rows: pd.DataFrame) -> list[str]:
        """That outcomes of images were kept, and are too many to be compared."""
        if len(self.points) <= MOST_PAIRED or rows["outcomes_key"].isna().all():
            return []
        return [
            f"More than {MOST_PAIRED} models ({task_of(rows)}) are compared by the intervals of "
            "their scores alone, not image by image; give the report fewer files."
        ]


def metric_of(cost: str) -> str:
    """The metric behind the name of a cost axis.

    Raises:
        UserError: there is no such cost axis.
    """
    if cost not in COSTS:
        raise UserError(f"--cost must be one of {', '.join(COSTS)}; got {cost!r}")
    return COSTS[cost]


def tradeoffs(
    models: pd.DataFrame, metric: str, outcomes: OutcomeFiles | None = None
) -> Iterator[Tradeoff]:
    """The groups of comparable models that have the primary score of their task and this cost.

    The steps that pandas takes are over all groups at once: it takes milliseconds for each.

    Args:
        models: the rows.
        metric: the cost.
        outcomes: reads what the models did on each image; None compares scores alone.
    """
    usable = _with_good_costs(models, metric).dropna(subset=[PRIMARY])
    usable = _of_known_cost(usable.assign(group=_groups(usable, metric)), metric)
    if usable.empty:
        return
    made = _points(usable, metric)
    if usable["outcomes_key"].isna().all():
        outcomes = None
    groups, tasks = usable["group"].tolist(), usable["task"].tolist()
    for positions in sorted(together(groups), key=lambda positions: groups[positions[0]]):
        points = [made[position] for position in positions if position in made]
        score = primary_score(tasks[positions[0]])
        assert score is not None  # rows without a primary score were dropped
        yield Tradeoff(
            score=score,
            points=tuple(point for point, _ in points),
            beaten=tuple(dominated([point for point, _ in points], score.better)),
            members=tuple(members for _, members in points),
            models=usable,
            runs=_runs(usable, [members for _, members in points], outcomes),
        )


def _runs(
    models: pd.DataFrame, members: Sequence[tuple[int, ...]], outcomes: OutcomeFiles | None
) -> tuple[Runs | None, ...]:
    """What each point of a group did on each image, from the newest record of each seed."""
    if outcomes is None or not 1 < len(members) <= MOST_PAIRED:
        return ()
    found = []
    for rows in members:
        newest = _newest_of_seeds(models.loc[list(rows)])  # milliseconds
        found.append(runs_of([outcomes.judged(file) for file in newest["outcomes_key"]]))
    return tuple(found)


def _groups(models: pd.DataFrame, metric: str) -> pd.Series:
    """The number of each row's group: models that may be compared in this cost."""
    machines = sorted(set(models["machine_key"]), key=machine_order)
    rank = {machine: number for number, machine in enumerate(machines)}
    apart = models["machine_key"].map(rank) if metric in ON_ONE_MACHINE else 0
    columns = [*DATA, *_CALL, "machine_rank"]
    return models.assign(machine_rank=apart).groupby(columns, sort=True, dropna=False).ngroup()


def _with_good_costs(models: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The models without the latencies that nothing is concluded from, if that is the cost."""
    if metric != "latency_s":
        return models
    return models.assign(latency_s=models["latency_s"].where(models["quotable"]))


def _of_known_cost(models: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of models with a known cost in at least one seed, if it varies between seeds."""
    if metric != "latency_s":
        return models.dropna(subset=[metric])
    return models[_alike(models)[metric].transform("count") > 0]


def _alike(models: pd.DataFrame) -> Any:
    """The rows by group, model and recipe: those that differ in the seed only."""
    return models.groupby(["group", "variant_key", *RECIPE], sort=False, dropna=False)


def _points(models: pd.DataFrame, metric: str) -> dict[int, tuple[Point, tuple[int, ...]]]:
    """The point of each model under one recipe, with the index of its rows, by its first row."""
    alike = _alike(models).ngroup().tolist()
    costs, scores, bounds, errors = _by_seed(models.assign(alike=alike), metric)
    names = names_with_recipes(models, models["group"].tolist())
    families, attentions = models["family"].tolist(), models["attention"].tolist()
    index = models.index.tolist()
    found = {}
    for positions in together(alike):
        first = positions[0]
        point = joined(
            names[first], families[first], attentions[first], costs[alike[first]],
            scores[alike[first]], bounds.get(alike[first], ()),
            [error for error in errors[alike[first]] if not isnan(error)],
        )  # fmt: skip
        found[first] = point, tuple(index[position] for position in positions)
    return found


def _newest_of_seeds(models: pd.DataFrame, *within: str) -> pd.DataFrame:
    newest = models.sort_values("created", kind="stable")
    return newest.drop_duplicates([*within, "seed"], keep="last")


def _by_seed(models: pd.DataFrame, metric: str) -> tuple[_Values, _Values, _Values, _Values]:
    """Costs, scores, bounds of costs and errors of scores of each point, by its newest seeds."""
    newest = _newest_of_seeds(models, "alike")
    costed = newest.dropna(subset=[metric])
    costs = _by_point(costed, metric)
    scores, errors = _by_point(newest, PRIMARY), _by_point(newest, IMAGE_ERROR)
    if metric != "latency_s":
        return costs, scores, {}, errors
    low, high = (_by_point(costed, name) for name in _BOUNDS)
    bounds = {point: list(zip(low[point], high[point], strict=True)) for point in low}
    return costs, scores, bounds, errors


def _by_point(rows: pd.DataFrame, column: str) -> _Values:
    found: _Values = {}
    for point, value in zip(rows["alike"].tolist(), rows[column].tolist(), strict=True):
        found.setdefault(point, []).append(value)
    return found


def left_out(models: pd.DataFrame, metric: str) -> Lines:
    """One line per trained model that cannot be on a frontier, with the reason."""
    trained = models[models["epochs"].notna()]  # untrained models have no score to plot
    costs = _with_good_costs(trained, metric)[metric]
    missing = trained[trained[PRIMARY].isna() | costs.isna()]
    return Lines(partial(_left_out, missing, place, metric) for place in range(len(missing)))


def _left_out(missing: pd.DataFrame, place: int, metric: str) -> str:
    row = missing.iloc[place]
    on = f"on {row['data'] or 'unnamed data'}"
    return f"{row['label']}{_seed(row)} {on} is on no frontier: {_why(row, metric)}."


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


def task_of(rows: pd.DataFrame) -> str:
    """Task, data, image size and classes, which the rows share."""
    first = rows.iloc[0]
    data = first["data"] or "data not recorded"
    size = f"{first['height']} × {first['width']} px"
    return f"{first['task']} on {data}, {size}, {first['num_classes']} classes"


def call_of(rows: pd.DataFrame) -> str:
    """Batch, dtype and mode, which the rows share."""
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
    if len(names) == 1:
        return str(names[0])
    return f"from {len(names):,} machines: {some_of(names, MOST_MACHINES, '; ')}"
