"""All that the scripts of the page are given, as one JSON value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from attnbench.analysis.frame.frames import Frames
from attnbench.records import CostRecord, ModelRecord, of_type
from attnbench.registry import ATTENTIONS
from attnbench.report.page import limits
from attnbench.report.page.data.cells import cells, metrics
from attnbench.report.page.data.conditions import conditions, growth
from attnbench.report.page.data.printed import Printed, panels
from attnbench.report.page.data.tradeoffs import Groups, frontiers
from attnbench.report.page.data.trainings import trainings


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The results that need several sizes."""

    scaling: pd.DataFrame
    crossovers: pd.DataFrame


def payload(
    frames: Frames,
    growths: Growth,
    groups: Groups,
    records: Iterable[CostRecord],
    printed: Sequence[Printed],
    cost: str,
) -> dict[str, Any]:
    """The data of the page.

    Args:
        frames: the newest conditions first.
        growths: exponents and crossovers of the layers.
        groups: comparable models, by cost.
        records: the records behind the frames.
        printed: points of papers.
        cost: the cost axis that is shown first.
    """
    layers = limits.on_page(frames.layers)
    models = frames.models.head(limits.MODELS_ON_PAGE)
    return {
        "metrics": metrics(),
        "cells": cells(layers, models, _models_by_key(records)),
        "conditions": conditions(layers, frames.machines),
        "growth": growth(layers, growths.crossovers, growths.scaling),
        "frontiers": frontiers(groups),
        "printed": panels(printed),
        "trainings": trainings(frames.epochs),
        "mechanisms": _mechanisms(layers, models),
        "cost": cost,
    }


def _models_by_key(records: Iterable[CostRecord]) -> Mapping[str, ModelRecord]:
    return {record.key: record for record in of_type(records, ModelRecord)}


def _mechanisms(*frames: pd.DataFrame) -> list[str]:
    """The attentions in the order of the registry, then the others by name; each has its colour."""
    known = list(ATTENTIONS.names())
    found = {name for frame in frames for name in frame["attention"].unique()}
    return [name for name in known if name in found] + sorted(found - set(known))
