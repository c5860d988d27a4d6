"""Judge a checkpoint at one size of images or at several, and say what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from attnbench import together
from attnbench.cli.outcome import outcomes_beside, save_outcome
from attnbench.cli.show.screen import Screen
from attnbench.errors import UserError

if TYPE_CHECKING:
    import torch

    from attnbench.data.images import ImageData
    from attnbench.experiments.worst import Worst
    from attnbench.records import ModelRecord
    from attnbench.tasks.base import Metric
    from attnbench.training.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A checkpoint at one size."""

    record: ModelRecord
    metric: Metric | None
    """None at other processes than the first (`attnbench.together`)."""
    images: ImageData
    worst: Worst


@dataclass(frozen=True, kw_only=True)
class Judging:
    """How a checkpoint is judged, whatever the size."""

    trained: Checkpoint
    run: str
    device: torch.device
    out: Path
    batch_size: int
    save_images: int
    details: bool
    screen: Screen
    open: Callable[[tuple[int, int]], ImageData]
    """The held-out images of a size."""

    def at(self, size: tuple[int, int]) -> Judged:
        """Judge at a size, and store the record."""
        from attnbench.benchmark.recorder import Recorder
        from attnbench.cli.show.progress import steps_progress
        from attnbench.experiments.judge import judge
        from attnbench.experiments.worst import Worst

        images = self.open(size)
        worst = Worst(self.save_images, self.trained.class_names)
        metrics: list[Metric] = []
        with steps_progress(self.screen) as on_step:
            record = judge(
                self.trained, images, run_name=self.run, batch_size=self.batch_size,
                device=self.device, on_step=on_step,
                on_batch=worst.add if self.save_images else None, on_metric=metrics.append,
                outcomes=outcomes_beside(self.out),
            )  # fmt: skip
            for another in together.gathered(worst)[1:]:
                worst.merge(another)
        if together.is_first():
            Recorder(self.out, "evaluate").keep(record)
        metric = metrics[0] if metrics else None
        return Judged(record=record, metric=metric, images=images, worst=worst)

    def save(self, done: Judged) -> None:
        """Write what belongs beside the record; the files of each size have a folder."""
        if done.metric is None:
            return
        height, width = done.images.img_size
        own = done.images.img_size == self.trained.img_size
        run = self.run if own else f"{self.run}-{height}x{width}"
        outcomes = outcomes_beside(self.out)
        save_outcome(
            done.metric, done.images, done.worst.pictures, outcomes, run, self.screen, results=True
        )
        if self.details:
            from attnbench.cli.details import save_details
            from attnbench.experiments.outcome import folder_of

            folder = folder_of(outcomes, run, done.images)
            save_details(done.metric, self.trained.class_names, folder)


def at_sizes(judging: Judging, sizes: Sequence[tuple[int, int]]) -> None:
    """Judge at several sizes: a line for each that is refused, a table and a figure of the others.

    Raises:
        UserError: every size is refused.
        typer.Exit: some are; with 1.
    """
    records, refused = [], []
    for size in sizes:
        try:
            done = judging.at(size)
        except UserError as error:
            refused.append(str(error))
            judging.screen.say_whole(str(error))
            continue
        judging.save(done)
        records.append(done.record)
    if not records:
        raise UserError(f"--img-size: expected a size that can be judged, got none: {refused[-1]}")
    if together.is_first():
        _tell(records, judging.out)
    if refused:
        raise typer.Exit(1)


def _tell(records: Sequence[ModelRecord], out: Path) -> None:
    from attnbench.cli.show.sizes import print_sizes

    print_sizes(records, Screen())
    print(f"\nStored in {out}; `attnbench report` shows it.")
    figure = _drawn(records[0], out)
    if figure:
        print(f"In {figure.parent}: {figure.name}")


def _drawn(record: ModelRecord, out: Path) -> Path | None:
    """The figure of all models in the file that were trained and judged alike.

    None for other images than the held-out ones of the training.
    """
    from attnbench.analysis.at_sizes import curves_like
    from attnbench.data.names import file_part
    from attnbench.files.reading import shown
    from attnbench.records import store
    from attnbench.report.figures.sizes import save_sizes
    from attnbench.units import primary_score

    metric = primary_score(record.workload.task)
    assert metric is not None
    assert record.recipe is not None
    data, folder = record.recipe.data, outcomes_beside(out)
    curves = curves_like(record, store.read(out).models)
    if not curves:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return save_sizes(
            curves, metric, data, record.recipe.img_size, folder / f"sizes-{file_part(data)}.png"
        )
    except OSError as error:
        raise UserError(
            f"cannot write into {shown(folder)}: {error.strerror or error}; choose another place "
            "with --out"
        ) from error
