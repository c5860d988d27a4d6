"""What is kept of a run in training: when its state is saved, and what says how far it is."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

from attnbench import clocks, together
from attnbench.bounds import shortened_message
from attnbench.errors import Stopped
from attnbench.experiments.experiment import Experiment
from attnbench.experiments.status import RunStatus, State, read_status, with_progress, write_status
from attnbench.records import ModelRecord, Scores
from attnbench.registry import loaded_plugins
from attnbench.training.checkpoint import Checkpoint, TrainState
from attnbench.training.export import save_weights
from attnbench.training.rotation import Rotation, place_of

SAVE_EVERY_S = 300.0
"""Seconds of work that a killed run loses at most, unless told otherwise."""
WEIGHTS = "weights.safetensors"


class Keeper:
    """Saves the state of a run: every few minutes, after each epoch, and before it is stopped.

    Of several processes each has one, and that of the first writes.
    """

    def __init__(
        self,
        experiment: Experiment,
        rotation: Rotation,
        *,
        every_s: float = SAVE_EVERY_S,
        command: str = "",
    ) -> None:
        """Nothing is written yet.

        Args:
            experiment: the run.
            rotation: its checkpoints, in the folder for all its files.
            every_s: seconds between two checkpoints.
            command: what goes on with the run, for lists of runs.
        """
        self.rotation, folder = rotation, rotation.folder
        self.scores: Scores | None = None
        """After the last whole epoch."""
        self.stop_signal: Callable[[], int] = lambda: 0
        """The number of a signal that asks the run to stop, or 0."""
        self._experiment, self._every_s = experiment, every_s
        self._saved_at = clocks.monotonic()
        self._place = ""
        self._writes = together.is_first()
        before = read_status(folder) if self.rotation.last.exists() else None
        self._status = RunStatus(
            run=folder.name, task=experiment.task, epochs=experiment.recipe.epochs,
            best=before.best if before else None, command=command,
        )  # fmt: skip

    def begin(self, saved: Checkpoint | None) -> None:
        """Say that the run is going on, from a checkpoint or from its start."""
        if saved:
            self.scores, self._place = saved.scores, place_of(saved)
            self._status = with_progress(self._status, saved)
        self._write("running")

    def pause(self, state_now: Callable[[], TrainState]) -> None:
        """See `training.loop.OnPause`.

        Raises:
            Stopped: a signal asked for it; the state is saved.
            UserError: the state cannot be saved.
        """
        is_late = clocks.monotonic() - self._saved_at >= self._every_s
        number, due = together.largest([self.stop_signal(), int(is_late and self._writes)])
        if not number and not due:
            return
        self._save(state_now())
        if number:
            together.largest([0])  # until it is saved
            self._write("stopped")
            raise Stopped(
                f"stopped by {signal.Signals(number).name}; {self._status.run} is saved at "
                f"{self._place}",
                number,
            )

    def epoch(self, scores: Scores, state: TrainState) -> None:
        """Save the state after an epoch, and the model if it is the best so far."""
        self.scores = scores
        if self._writes:
            self.rotation.save_best(self._checkpoint(state))
        self._save(state)

    def finish(self, state: TrainState, record: ModelRecord) -> None:
        """Write the weights for other programs, and what the model costs."""
        recipe = self._experiment.recipe
        about = {
            "model": self._experiment.model, "run": self._status.run, "data": recipe.data,
            "classes": "\n".join(self._experiment.data.class_names),
        }  # fmt: skip
        save_weights(self.rotation.folder / WEIGHTS, state.scored, about)
        self._status = self._status.with_cost(record)
        self._write("finished")

    def fail(self, error: BaseException, reason: str) -> str:
        """Note why a run ended early; returns what is kept of it, for people, or ""."""
        stopped = isinstance(error, KeyboardInterrupt)
        self._status = replace(self._status, reason="" if stopped else shortened_message(reason))
        self._write("stopped" if stopped else "failed")
        return f"{self.rotation.last} holds {self._place}" if self._place else ""

    def _save(self, state: TrainState) -> None:
        checkpoint = self._checkpoint(state)
        if self._writes:
            self.rotation.save(checkpoint)
        self._saved_at, self._place = clocks.monotonic(), place_of(checkpoint)
        self._status = with_progress(self._status, checkpoint)
        self._write("running")

    def _checkpoint(self, state: TrainState) -> Checkpoint:
        return checkpoint_of(self._experiment, state, self.scores)

    def _write(self, state: State) -> None:
        self._status = replace(self._status, state=state)
        if self._writes:
            write_status(self.rotation.folder, self._status)


def checkpoint_of(experiment: Experiment, state: TrainState, scores: Scores | None) -> Checkpoint:
    """A checkpoint of an experiment."""
    workload = experiment.workload
    return Checkpoint(
        model=experiment.model,
        attention=workload.attention,
        options=experiment.options,
        num_classes=workload.num_classes,
        img_size=workload.img_size,
        class_names=experiment.data.class_names,
        data=experiment.source or experiment.data.name,
        recipe=experiment.recipe,
        state=state,
        scores=scores,
        task=experiment.task,
        plugins=loaded_plugins(),
        reading=experiment.reading,
    )
