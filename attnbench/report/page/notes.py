"""Text of the page: what was measured, and notes on the numbers.

A list of notes may have an item for each of thousands of conditions or models. Its items are made
when they are shown, and how many are left out is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from attnbench.analysis.frame.frames import Frames
from attnbench.analysis.frame.rows import PRIMARY
from attnbench.analysis.growth.curves import together
from attnbench.analysis.naming import with_sizes
from attnbench.analysis.quotable import POOR, poor
from attnbench.analysis.remeasure import advice, cells_of
from attnbench.analysis.shortened import MOST_NAMED, Lines, some_of
from attnbench.analysis.tradeoff.groups import DATA, Tradeoff, left_out, machines_of, task_of
from attnbench.analysis.tradeoff.spots import spots_of, unlabelled_remark
from attnbench.report.page import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The notes of one kind."""

    items: Sequence[str]
    where: str = ""
    """Where all of them are."""

    def on_page(self) -> list[str]:
        """As many as the page shows, and the number of the others."""
        return limits.listed(self.items, self.where)

    def on_terminal(self) -> list[str]:
        """As many as are printed below an answer, and the number of the others."""
        where = "listed in index.html" + (f", or {self.where}" if self.where else "")
        return limits.listed(self.items, where, limits.ITEMS_ON_TERMINAL)


def conditions_of(frames: Frames) -> Lines:
    """One line per set of conditions."""
    layers = frames.layers[["conditions", "tokens"]]  # the other columns are slow to cut out
    conditions = frames.layers["conditions_key"].tolist()
    lines = Lines(partial(_layers_line, layers, group) for group in together(conditions))
    for kind, frame in (("Models", frames.models), ("Training", frames.epochs)):
        columns = (frame[name].tolist() for name in (*DATA, "machine_key"))
        lines += Lines(partial(_models_line, kind, frame, group) for group in together(*columns))
    return lines


def _layers_line(layers: pd.DataFrame, group: list[int]) -> str:
    rows = layers.iloc[group]
    sizes = [f"{number:,}" for number in sorted(set(rows["tokens"]))]
    tokens = some_of(sizes, limits.MOST_ITEMS, " · ")
    return f"Layers: {rows['conditions'].iloc[0]}; {len(rows):,} cells at {tokens} tokens"


def _models_line(kind: str, frame: pd.DataFrame, group: list[int]) -> str:
    rows = frame.iloc[group]
    return f"{kind}: {task_of(rows)}, {machines_of(rows)}; {len(rows):,} records"


def notes_of(
    frames: Frames, groups: Sequence[Tradeoff], metric: str, *, figures: bool = True
) -> list[Notes]:
    """All notes of the report, except those on how the records were chosen.

    Args:
        frames: the records.
        groups: comparable models.
        metric: the cost axis of the frontier.
        figures: whether static figures are drawn, whose limits are then told.
    """
    in_files = "in column quotable of the CSV files"
    return [
        Notes(items=limits.figures_note(frames.layers) if figures else ()),
        Notes(items=_poor_layers(frames.layers), where=in_files),
        Notes(items=_poor_models(frames.models), where=in_files),
        Notes(items=_quoting_notes(frames), where="in the column notes of the CSV files"),
        Notes(items=_several_hosts(frames.layers), where="in the column host of layers.csv"),
        Notes(items=_undrawn(frames, groups) if figures else ()),
        Notes(items=_frontier_notes(groups) if figures else (), where="about models in models.csv"),
        Notes(items=left_out(frames.models, metric), where="about models in models.csv"),
    ]


def _quoting_notes(frames: Frames) -> list[str]:
    """The notes stored in the records, each with its count."""
    count: Counter[str] = Counter()
    for frame in (frames.layers, frames.models):
        for notes in frame["notes"].tolist():
            count.update(note for note in notes.split("; ") if note)
    return [f"{note} ({times:,} records)" for note, times in count.items()]


def _several_hosts(layers: pd.DataFrame) -> list[str]:
    """Conditions whose cells were measured on several machines of one kind: which machines."""
    named = layers[layers["host"] != ""]
    found = named.groupby("conditions", sort=False, observed=True)["host"].unique()
    return [
        f"{conditions}: measured on {len(hosts)} machines of this kind ({some_of(sorted(hosts))}); "
        "ratios of cells of two of them hold the difference of the machines, too."
        for conditions, hosts in found.items()
        if len(hosts) > 1
    ]


_OF_POOR = (
    "latency_s", "quotable", "label", "tokens", "height", "width", "conditions", "conditions_key",
    "implementation_key",
)  # fmt: skip


def _poor_layers(layers: pd.DataFrame) -> Lines:
    """The latencies that nothing is concluded from, by conditions: which, and what to run."""
    rows = poor(layers[list(_OF_POOR)])  # the other columns are slow to cut out
    groups = together(rows["conditions_key"].tolist())
    return Lines(partial(_poor_line, rows, group) for group in groups)


def _poor_line(layers: pd.DataFrame, group: list[int]) -> str:
    first = layers.iloc[group[:MOST_NAMED]]
    named = with_sizes(zip(first["label"], first["tokens"], strict=True))
    more = len(group) - len(first)
    others = f" and {more:,} more cells, in column quotable of layers.csv" if more else ""
    text = f"{POOR}, so nothing is concluded from them: {named}{others}"
    again = f"to measure {'the first' if more else 'them'} again, {advice(cells_of(first))}"
    return f"{first['conditions'].iloc[0]}: {text}; {again}."


def _poor_models(models: pd.DataFrame) -> list[str]:
    """The same for models, in one line."""
    labels = list(dict.fromkeys(poor(models)["label"]))
    if not labels:
        return []
    return [
        f"The latency of these models is {POOR}, and nothing is concluded from it: "
        f"{some_of(labels)}; run `attnbench evaluate` with the checkpoint of each."
    ]


def _undrawn(frames: Frames, groups: Sequence[Tradeoff]) -> list[str]:
    """Which figures of models are not drawn, as there would be too many."""
    frontiers = sum(len(group.points) > 1 for group in groups)
    trained = frames.epochs.dropna(subset=[PRIMARY])
    trainings = len(together(*(trained[name].tolist() for name in DATA)))
    return [
        *limits.undrawn("Frontiers", frontiers, "models.csv has the verdict on all models"),
        *limits.undrawn("Trainings", trainings, "training.csv holds all of them"),
    ]


def _frontier_notes(groups: Sequence[Tradeoff]) -> list[str]:
    """What to know about the frontiers that are drawn, and which are not."""
    drawn = limits.with_frontiers(groups)
    notes = [note for group in drawn for note in group.notes]
    notes += [f"{group.subtitle}: {text}" for group in drawn if (text := _unlabelled(group))]
    lone = (group.points[0].name for group in groups if len(group.points) == 1)
    alone = list(dict.fromkeys(lone))
    if alone:
        notes.append(f"No frontier is drawn for a single model ({some_of(alone)}).")
    return notes


def _unlabelled(group: Tradeoff) -> str:
    return unlabelled_remark(spots_of(group.points, group.beaten))
