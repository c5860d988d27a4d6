"""The score after each epoch of every run, by task and data."""

from __future__ import annotations

from typing import Any

import pandas as pd

from attnbench.analysis.frame.rows import PRIMARY
from attnbench.analysis.growth.curves import together
from attnbench.analysis.tradeoff.groups import DATA, machines_of, task_of
from attnbench.analysis.tradeoff.recipes import differing_recipe, recipe_warning
from attnbench.report.page import limits
from attnbench.report.page.data.columns import numbers
from attnbench.units import primary_score

RUN = ("variant_key", "run", "machine_key")
"""The columns that the epochs of one run share."""


def trainings(epochs: pd.DataFrame) -> list[dict[str, Any]]:
    """The largest groups of runs on the same task and data."""
    scored = epochs.dropna(subset=[PRIMARY])
    groups = together(*(scored[name].tolist() for name in DATA))
    places = limits.largest([len(group) for group in groups])
    return [_training(scored.iloc[groups[place]]) for place in places]


def _training(rows: pd.DataFrame) -> dict[str, Any]:
    score = primary_score(rows["task"].iloc[0])
    assert score is not None  # rows without a primary score were dropped
    runs = together(*(rows[name].tolist() for name in RUN))
    warning = recipe_warning(differing_recipe(rows))
    return {
        "about": f"{task_of(rows)}; {machines_of(rows)}{warning}",
        "score": score.key,
        "total": len(runs),
        "runs": [_run(rows.iloc[places]) for places in runs[: limits.MOST_LINES]],
    }


def _run(rows: pd.DataFrame) -> dict[str, Any]:
    first = rows.iloc[0]
    ordered = rows.sort_values("epoch")
    return {
        "name": f"{first['label']}, seed {first['seed']}",
        "attention": first["attention"],
        "epochs": numbers(ordered["epoch"]),
        "scores": numbers(ordered[PRIMARY]),
    }
