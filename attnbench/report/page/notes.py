"""Text of the page: what was measured, and notes on the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from attnbench.analysis.frame.frames import Frames
from attnbench.analysis.growth.curves import together
from attnbench.analysis.naming import with_sizes
from attnbench.analysis.quotable import POOR, poor
from attnbench.analysis.remeasure import advice, cells_of
from attnbench.analysis.tradeoff.groups import DATA, Tradeoff, left_out, machines_of, task_of
from attnbench.report.page import limits


def conditions_of(frames: Frames) -> list[str]:
    """One line per set of conditions."""
    lines = []
    layers = frames.layers
    conditions, sizes = layers["conditions"].tolist(), layers["tokens"].tolist()
    for group in together(layers["conditions_key"].tolist()):
        tokens = " · ".join(f"{number:,}" for number in sorted({sizes[index] for index in group}))
        lines.append(f"Layers: {conditions[group[0]]}; {len(group):,} cells at {tokens} tokens")
    machine = [*DATA, "machine_key"]
    for kind, frame in (("Models", frames.models), ("Training", frames.epochs)):
        for _, rows in frame.groupby(machine, sort=False):
            lines.append(f"{kind}: {task_of(rows)}, {machines_of(rows)}; {len(rows):,} records")
    return lines


def _quoting_notes(frames: Frames) -> list[str]:
    """The notes stored in the records, each with its count."""
    count: Counter[str] = Counter()
    for frame in (frames.layers, frames.models):
        for notes in frame["notes"].tolist():
            count.update(note for note in notes.split("; ") if note)
    found = [f"{note} ({times:,} records)" for note, times in count.items()]
    return limits.listed(found, "in the column notes of the CSV files")


def _poor_notes(frames: Frames) -> list[str]:
    """The latencies that nothing is concluded from: which, and what to run."""
    notes = []
    layers = poor(frames.layers)
    for _, rows in layers.groupby("conditions_key", sort=False):
        named = with_sizes(zip(rows["label"], rows["tokens"], strict=True))
        text = f"{rows['conditions'].iloc[0]}: {POOR}, so nothing is concluded from them: {named}"
        notes.append(f"{text}; to measure them again, {advice(cells_of(rows))}.")
    models = list(dict.fromkeys(poor(frames.models)["label"]))
    if models:
        notes.append(
            f"The latency of these models is {POOR}, and nothing is concluded from it: "
            f"{', '.join(models)}; run `attnbench evaluate` with the checkpoint of each."
        )
    return limits.listed(notes, "in column quotable of the CSV files")


def notes_of(frames: Frames, groups: Sequence[Tradeoff], metric: str) -> list[str]:
    """All notes of the page, except those on how the records were chosen."""
    frontier = limits.listed(_frontier_notes(frames, groups, metric), "about models in models.csv")
    return [
        *limits.figures_note(frames.layers),
        *_poor_notes(frames),
        *_quoting_notes(frames),
        *frontier,
    ]


def _frontier_notes(frames: Frames, groups: Sequence[Tradeoff], metric: str) -> list[str]:
    notes = [note for group in groups for note in group.notes]
    for group in groups:
        if len(group.points) == 1:
            notes.append(f"No frontier is drawn for a single model ({group.points[0].name}).")
    return notes + left_out(frames.models, metric)
