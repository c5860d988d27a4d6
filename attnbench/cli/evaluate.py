"""`attnbench evaluate`: measure the scores and cost of a checkpoint, or score a result file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.grouped import grouped
from attnbench.cli.options import RUNS
from attnbench.cli.outcome import outcomes_beside, save_outcome
from attnbench.cli.places import try_file, try_folder
from attnbench.cli.processes import Processes
from attnbench.cli.reading import ReadingOptions
from attnbench.cli.threads import Threads
from attnbench.errors import UserError
from attnbench.spec.validation import one_of
from attnbench.together import Place, joined

if TYPE_CHECKING:
    from attnbench.cli.show.screen import Screen
    from attnbench.data.images import ImageData
    from attnbench.data.layouts.found import Reading
    from attnbench.training.checkpoint import Checkpoint


def _check_split(text: str, flag: str) -> None:
    one_of(("val", "test"), split=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """On which pictures is judged, how, and where the outcome goes."""

    data: Annotated[
        str | None,
        typer.Option(
            help="Data set to evaluate on. [default: that of the training]", show_default=False
        ),
    ] = None
    split: Annotated[
        str | None,
        options.checked(
            _check_split,
            "Held-out part of a data set that has several. [default: val]",
            metavar="val|test",
            show_default=False,
        ),
    ] = None
    task: Annotated[
        str | None,
        typer.Option(
            help="classification, detection or segmentation. [default: that of the training]",
            show_default=False,
        ),
    ] = None
    img_size: Annotated[
        str | None,
        options.checked(
            options.image_sizes,
            "Other sizes to judge the model at, such as 96,128,160x224. With --predictions that "
            "of embedded pictures.",
            metavar="SIDE|HEIGHTxWIDTH,…", show_default=False,
        ),
    ] = None  # fmt: skip
    save_images: Annotated[
        int, options.number("save_images", "Worst pictures to draw, truth beside prediction.")
    ] = 0
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Of a classifier: accuracy of each class, confusion, and calibration error.",
        ),
    ] = False
    batch_size: Annotated[int, options.number("batch_size", "Images per forward pass.")] = 64
    device: options.Device = "auto"
    out: Annotated[Path, typer.Option(help="File to append the record to.")] = (
        RUNS / "evaluate.jsonl"
    )

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Those asked for, as (height, width), each once."""
        given = self.img_size
        return [*dict.fromkeys(options.image_sizes(given, "--img-size"))] if given else []


@grouped
def command(
    threads: Threads,
    processes: Processes,
    reading: ReadingOptions,
    asked: Asked,
    checkpoint: Annotated[
        Path | None,
        typer.Argument(help="A `last.pt` written by `attnbench train`.", show_default=False),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="COCO result file of any program, to be scored in place of a checkpoint.",
            show_default=False,
        ),
    ] = None,
    plugin: options.Plugin = None,
) -> None:
    """Evaluate a trained model: scores, parameters, MACs, latency, throughput.

    Of detectors and segmenters figures are drawn, into outcomes/ beside the record; of detectors a
    COCO result file is written there, too. With --predictions such a file is scored by itself. With
    several --img-size there is a record of each, and a table and a figure of all.
    """
    from attnbench.cli.show.screen import Screen

    if processes.place.rank == 0:
        try_file(asked.out)
        try_folder(outcomes_beside(asked.out))
    if (checkpoint is None) == (predictions is None):
        got = "neither" if checkpoint is None else "both"
        raise UserError(
            f"expected a checkpoint, or a result file with --predictions, got {got}; give one"
        )
    if predictions is not None and max(processes.place.size, processes.nproc or 1) > 1:
        raise UserError("--predictions: one process scores a file; leave out --nproc and torchrun")
    place = processes.begin(threads)
    screen = Screen(stderr=True)
    if checkpoint is not None:
        _judge(checkpoint, reading, asked, threads, place, screen)
    elif predictions is not None:
        _score_file(predictions, reading, asked, threads, screen)


def _judge(
    file: Path,
    reading: ReadingOptions,
    asked: Asked,
    threads: Threads,
    place: Place,
    screen: Screen,
) -> None:
    """Judge a checkpoint, at its own size or at those asked for, and store the records."""
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    with status(screen, "loading torch"):
        from attnbench.cli.judging import Judging, at_sizes
        from attnbench.cli.show.model import print_model
        from attnbench.experiments.needs import data_of, refuse_missing_names
        from attnbench.profiling.machine.own_device import device_of
        from attnbench.training.checkpoint import load

        device = device_of(place, asked.device)
        trained = load(file)
        refuse_missing_names(trained)
        _refuse_other_task(asked, trained)
        source = data_of(trained, asked.data)
    threads.take(screen)
    settings = reading.over(trained.reading)
    judging = Judging(
        trained=trained, run=file.resolve().parent.name, device=device, out=asked.out,
        batch_size=asked.batch_size, save_images=asked.save_images, details=asked.details,
        screen=screen,
        open=lambda size: _open(source, size, trained.task, asked.split, settings, screen),
    )  # fmt: skip
    with joined(place, device.type):
        if len(asked.sizes) > 1:
            at_sizes(judging, asked.sizes)
            return
        done = judging.at(asked.sizes[0] if asked.sizes else trained.img_size)
    if place.rank:
        return
    print_model(done.record, Screen())
    print(f"\nStored in {asked.out}; `attnbench report` shows it.")
    judging.save(done)


def _score_file(
    file: Path, reading: ReadingOptions, asked: Asked, threads: Threads, screen: Screen
) -> None:
    """Score a result file. No record is stored: it would be one of a model."""
    from attnbench.cli.show.progress import status, steps_progress
    from attnbench.cli.show.screen import Screen

    with status(screen, "loading torch"):
        from attnbench.cli.show.model import print_scores
        from attnbench.experiments.outcome import name_of_results
        from attnbench.experiments.predictions import score_file
        from attnbench.experiments.worst import Worst
        from attnbench.tasks.detection.entries import entries_in

        source, size = _data_of_results(asked), _size_of_results(asked)
        entries = entries_in(file)
    threads.take(screen)
    images = _open(source, size, "detection", asked.split, reading.settings, screen)
    worst = Worst(asked.save_images, images.class_names)
    with steps_progress(screen) as on_step:
        metric, notes = score_file(
            file, entries, images, on_step=on_step,
            on_batch=worst.add if asked.save_images else None,
        )  # fmt: skip
    shown = Screen()
    shown.say((file.name, "bold"), f" on the {images.held_out} images of {images.name}", gap=True)
    print_scores(metric, shown)
    for note in notes:
        shown.say(note)
    print("\nNo record is stored: a result file does not say what its model costs.")
    outcomes, name = outcomes_beside(asked.out), name_of_results(file)
    save_outcome(metric, images, worst.pictures, outcomes, name, screen, results=False)


def _open(
    source: str,
    img_size: tuple[int, int] | None,
    task: str,
    split: str | None,
    settings: Reading,
    screen: Screen,
) -> ImageData:
    """The held-out images of a data set; what was found in it is printed."""
    from attnbench.cli.show.data import print_findings
    from attnbench.cli.show.progress import images_progress
    from attnbench.data.opening import open_data

    with images_progress(screen) as on_images:
        images = open_data(
            source, img_size, task, train=False, held_out=split, settings=settings,
            on_progress=on_images,
        )  # fmt: skip
    print_findings(images.findings, screen)
    return images


def _refuse_other_task(asked: Asked, trained: Checkpoint) -> None:
    """Refuse what does not fit a checkpoint, which knows its task."""
    from attnbench.experiments.worst import DRAWN_TASKS
    from attnbench.units import primary_score

    if len(asked.sizes) > 1 and (asked.details or asked.save_images):
        raise UserError(
            "--details and --save-images show a model at one size, got "
            f"{len(asked.sizes)} sizes; give one with --img-size, or none"
        )
    if len(asked.sizes) > 1 and primary_score(trained.task) is None:
        raise UserError(
            f"--img-size: expected one size for the task {trained.task}, which has no score to be "
            f"set side by side, got {len(asked.sizes)}; give one"
        )
    if asked.task not in (None, trained.task):
        raise UserError(
            f"--task {asked.task}: the checkpoint was trained for {trained.task}; leave it out"
        )
    if asked.details and trained.task != "classification":
        raise UserError(
            f"--details is for classifiers, got a checkpoint for {trained.task}, whose classes are "
            "always shown; leave it out"
        )
    if asked.save_images and trained.task not in DRAWN_TASKS:
        raise UserError(
            f"--save-images draws boxes and label maps, got a checkpoint for {trained.task}; "
            "leave it out"
        )


def _data_of_results(asked: Asked) -> str:
    """The data set that a result file is about."""
    if asked.details:
        raise UserError("--details goes with a checkpoint of a classifier; leave it out")
    if asked.task not in (None, "detection"):
        raise UserError(
            f"--predictions takes a COCO result file of boxes, --task is {asked.task}; leave it out"
        )
    if asked.data is None:
        raise UserError(
            "--predictions: a result file belongs to one data set; choose it with --data"
        )
    return asked.data


def _size_of_results(asked: Asked) -> tuple[int, int] | None:
    """The size of embedded pictures, if it is given."""
    if len(asked.sizes) > 1:
        raise UserError(
            f"--img-size: a result file is about pictures of one size, got {len(asked.sizes)}; "
            "give one"
        )
    return asked.sizes[0] if asked.sizes else None
