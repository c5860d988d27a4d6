"""Models that were trained differently, said in words: in which settings, and with which values."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from attnbench.analysis.frame.frames import RECIPE_COLUMNS
from attnbench.analysis.shortened import some_of

RECIPE = ("epochs", *RECIPE_COLUMNS)
"""The columns of a recipe, the seed excluded."""


def differing_recipe(rows: pd.DataFrame) -> list[str]:
    """The recipe columns in which the rows differ, the seed excluded."""
    return [column for column in RECIPE if rows[column].nunique(dropna=False) > 1]


def recipe_warning(differing: Sequence[str]) -> str:
    """The warning in a subtitle if recipes differ; "" if they are equal."""
    if not differing:
        return ""
    return f"; NOT the same recipe: {', '.join(_plain(column) for column in differing)} differ"


def recipe_notes(rows: pd.DataFrame, task: str) -> tuple[str, ...]:
    """A note with the values of each setting in which the models on a task differ, if any."""
    differing = differing_recipe(rows)
    if not differing:
        return ()
    values = "; ".join(
        f"{_plain(column)}: {some_of(sorted(str(value) for value in rows[column].unique()))}"
        for column in differing
    )
    return (f"The models on {task} were trained with different recipes ({values}).",)


def names_with_recipes(models: pd.DataFrame, groups: Sequence[int]) -> list[str]:
    """The label of each row, plus the settings that tell several recipes of one model apart.

    Args:
        models: rows of trained models.
        groups: the group of each row; only models of one group are told apart.
    """
    names = models["label"].tolist()
    of_model = list(zip(groups, models["variant_key"].tolist(), strict=True))
    for column in differing_recipe(models):
        texts = [str(value) for value in models[column].tolist()]
        found: dict[object, set[str]] = {}
        for key, text in zip(of_model, texts, strict=True):
            found.setdefault(key, set()).add(text)
        names = [
            f"{name} {_plain(column)}={text}" if len(found[key]) > 1 else name
            for name, key, text in zip(names, of_model, texts, strict=True)
        ]
    return names


def _plain(column: str) -> str:
    return column.removeprefix("recipe_")
