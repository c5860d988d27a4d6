"""The checkpoints of a run: the last one, the one before it, and the best one.

Each file is replaced as a whole. The one before stands in where the last one is damaged, such as by
a failing disk. So a folder holds three files, and never more than one that is being written.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from attnbench.errors import UserError
from attnbench.files.reading import shown
from attnbench.records import Scores
from attnbench.training.checkpoint import Checkpoint, load, save
from attnbench.units import primary_score

LAST, PREVIOUS, BEST = "last.pt", "previous.pt", "best.pt"


class Rotation:
    """The three checkpoints in the folder of a run."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or written yet."""
        self.folder = folder
        self.last, self.previous, self.best = (folder / name for name in (LAST, PREVIOUS, BEST))
        self._last_is_whole = False
        self._best_value: float | None = None

    def is_there(self) -> bool:
        """Whether there is a checkpoint to go on from, be it whole or not."""
        return self.last.exists() or self.previous.exists()

    def load(self) -> tuple[Checkpoint, str]:
        """The newest checkpoint that is whole, and what is to be told of it, or "".

        Raises:
            UserError: neither the last one nor the one before can be read.
        """
        try:
            found, note = load(self.last), ""
            self._last_is_whole = True
        except UserError as error:
            try:
                found = load(self.previous)
            except UserError:
                raise error from None
            note = (
                f"{shown(self.last)} is damaged or missing; {PREVIOUS}, the one before it, is "
                f"used: {place_of(found)}"
            )
        self._best_value = self._value_of_best()
        return found, note

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the last checkpoint; the file that was the last becomes the one before it.

        Raises:
            UserError: the file cannot be written; the others are as they were.
        """
        # A damaged file must not take the place of a whole one.
        save(self.last, checkpoint, keep=self.previous if self._last_is_whole else None)
        self._last_is_whole = True

    def save_best(self, checkpoint: Checkpoint) -> None:
        """Write the best checkpoint, without its optimizer, if its scores are above all before.

        Raises:
            UserError: the file cannot be written; the others are as they were.
        """
        value = ranked(checkpoint.scores)
        if value is None or (self._best_value is not None and value <= self._best_value):
            return
        save(self.best, replace(checkpoint, state=replace(checkpoint.state, optimizer={})))
        self._best_value = value

    def _value_of_best(self) -> float | None:
        try:
            return ranked(load(self.best).scores)
        except UserError:  # there is none, or it is damaged: the next one is the best
            return None


def ranked(scores: Scores | None) -> float | None:
    """The primary score of a task, higher for better; None where there is none."""
    metric = primary_score(scores.task) if scores else None
    value = scores.values.get(metric.key) if scores and metric else None
    if value is None or metric is None:
        return None
    return value if metric.better == "higher" else -value


def place_of(checkpoint: Checkpoint) -> str:
    """How far a run had come: "epoch 3 of 20", or "epoch 3 of 20, and 5 steps"."""
    state = checkpoint.state
    steps = f", and {state.step:,} step{'s' * (state.step > 1)}" if state.step else ""
    return f"epoch {state.epochs} of {checkpoint.recipe.epochs}{steps}"
