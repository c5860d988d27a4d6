"""Prepare the runs of `train`, and carry them out: a single one, or a queue."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from attnbench.cli.processes import started_by
from attnbench.cli.running import Running
from attnbench.cli.show.screen import Screen
from attnbench.errors import Stopped

if TYPE_CHECKING:
    import torch

    from attnbench.data.images import ImageData
    from attnbench.data.layouts.found import Reading
    from attnbench.experiments.experiment import Experiment
    from attnbench.experiments.queue import Planned
    from attnbench.experiments.resume import Resume
    from attnbench.records import ModelRecord, Record


@dataclass(kw_only=True)
class Training:
    """What the runs of one call have in common, and how each is prepared and carried out."""

    running: Running
    found: Mapping[str, tuple[str, str]]
    """Task and data set of each model."""
    recipe: Mapping[str, Any]
    """Settings that are not left to the data set."""
    img_size: tuple[int, int] | None
    options: Mapping[str, Any]
    """Of the attention, or else of the model."""
    reading: Reading
    device: torch.device
    out: Path
    checkpoints: Path
    screen: Screen
    sharded: bool = False
    _opened: dict[Any, ImageData] = field(default_factory=dict)

    def prepare(self, planned: Planned) -> Experiment:
        """Open the data, and check that the model can be built."""
        from attnbench.experiments.experiment import Experiment
        from attnbench.experiments.options import model_options
        from attnbench.training.recipe import recipe_for

        task, source = self.found[planned.model]
        images = self._images(task, source, planned.seed)
        return Experiment(
            model=planned.model, data=images, source=source, device=self.device,
            recipe=recipe_for(images, seed=planned.seed, **self.recipe),
            folder=self.checkpoints, task=task, reading=self.reading,
            options=model_options(planned.model, images, planned.attention, self.options),
        )  # fmt: skip

    def _images(self, task: str, source: str, seed: int) -> ImageData:
        """The images of a run; those of the run before stay open if they are the same."""
        from attnbench.cli.show.data import print_findings
        from attnbench.cli.show.progress import images_progress
        from attnbench.data.opening import open_data
        from attnbench.registry import DATASETS

        key = (task, source, seed if source in DATASETS.names() else 0)
        if key not in self._opened:
            self._opened.clear()
            with images_progress(self.screen) as on_images:
                self._opened[key] = open_data(
                    source, self.img_size, task=task, seed=seed, settings=self.reading,
                    on_progress=on_images,
                )  # fmt: skip
            print_findings(self._opened[key].findings, self.screen)
        return self._opened[key]

    def show_plan(self, queue: Sequence[Planned], seeds: int) -> None:
        """Print the recipe of each data set, and what it could resolve; every model is tried."""
        from attnbench.cli.show.plan import print_plan
        from attnbench.cli.show.training import print_start

        first: dict[tuple[str, str], Planned] = {}
        for planned in queue:
            print_start(self.prepare(planned), self.screen)
            first.setdefault(self.found[planned.model], planned)
        for planned in first.values():
            print_plan(self.prepare(planned), self.out, seeds, self.screen)

    def one(self, planned: Planned) -> None:
        """Train a single run, and print its scores and cost."""
        from attnbench.cli.show.model import print_model

        resume: Resume = "auto" if self.running.auto_resume else self.running.resume
        experiment = self.prepare(planned)
        record = self._train(experiment, resume)
        print_model(record, Screen())
        print(f"\nStored in {self.out}; `attnbench report` shows it.")
        print(f"Checkpoint: {experiment.folder / record.run / 'last.pt'}")

    def queue(self, queue: Sequence[Planned]) -> None:
        """Train all runs that have not ended; one that fails is named, and exits with 1."""
        from attnbench.cli.show.training import print_done, print_outcomes
        from attnbench.experiments.queue import Outcome, work_through

        outcomes: list[Outcome] = []

        def train(experiment: Experiment) -> None:
            place = f"{len(outcomes) + 1} of {len(queue)}: "
            print_done(self._train(experiment, "auto", place), self.screen)

        try:
            for outcome in work_through(queue, self.prepare, train):
                outcomes.append(outcome)
        finally:
            print_outcomes(outcomes, len(queue), self.screen)
        if any(outcome.end == "failed" for outcome in outcomes):
            raise typer.Exit(1)

    def _train(self, experiment: Experiment, resume: Resume, place: str = "") -> ModelRecord:
        """Train a run; each record is stored and shown."""
        from attnbench.benchmark.recorder import Recorder
        from attnbench.cli.show.training import print_epoch, print_start, training_progress
        from attnbench.experiments.run import run
        from attnbench.experiments.watching import Watch
        from attnbench.training.compiling import COMPILER

        keep, watch = Recorder(self.out, "train").keep, Watch(experiment.device)

        def on_record(record: Record) -> None:
            keep(record)
            print_epoch(record, self.screen)

        print_start(experiment, self.screen, place)
        with training_progress(self.screen, place) as on_step:
            return run(
                experiment, resume=resume, save_every_s=60 * self.running.save_every,
                command=command_again(), logs=self.running.logs, sharded=self.sharded,
                on_record=on_record, compiler=COMPILER if self.running.compile else "",
                on_note=self.screen.say,
                on_step=lambda step: on_step(step, watch.see(step)),
            )  # fmt: skip


def command_again() -> str:
    """The command line of this process, as one that goes on with what it has begun."""
    words = [*started_by(), *sys.argv[1:]]
    goes_on = {"--resume", "--auto-resume"} & {*words}
    return shlex.join(words if goes_on else [*words, "--auto-resume"])


def told(stop: Stopped, screen: Screen) -> typer.Exit:
    """Say what a signal has stopped, and how it goes on; exits as shells show a signal."""
    screen.say_whole(f"{stop}; go on with: {command_again()}")
    return typer.Exit(128 + stop.signal)
