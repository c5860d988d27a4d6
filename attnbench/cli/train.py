"""`attnbench train`: train a model, then record its scores and cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attnbench.cli import options
from attnbench.cli.cells import ANCHORS
from attnbench.cli.grouped import grouped
from attnbench.cli.options import RUNS
from attnbench.cli.outcome import outcomes_beside
from attnbench.cli.places import try_file, try_folder
from attnbench.cli.reading import ReadingOptions
from attnbench.cli.threads import Threads

if TYPE_CHECKING:
    from attnbench.cli.show.screen import Screen
    from attnbench.data.layouts.found import Reading
    from attnbench.experiments.experiment import Experiment
    from attnbench.records import ModelRecord, Record, Scores

Data = Annotated[
    str | None,
    typer.Option(
        help="A set that `attnbench list datasets` shows, or a folder: train/ and val/ with one "
        "subfolder per class in each; boxes as COCO, YOLO or Pascal VOC write them; images/ and "
        "masks/. [default: real digits]",
        show_default=False,
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        help="classification, detection or segmentation. [default: that of the model]",
        show_default=False,
    ),
]
Head = Annotated[
    str | None,
    typer.Option(
        help="Head over a backbone: picodet, semantic-fpn or uper-net.", show_default=False
    ),
]
Attention = Annotated[
    str | None,
    typer.Option(help="Attention of a pyramid-* or vit-* trunk.", show_default=False),
]
Anchors = Annotated[
    int | None, options.number("anchors", "Short for --option num_anchors=N.", show_default=False)
]
Option = Annotated[
    list[str] | None,
    options.checked(
        options.check_option,
        "Option of the trunk's attention, or else of the model; repeatable.",
        metavar="NAME=VALUE",
    ),
]
Epochs = Annotated[
    int | None, options.number("epochs", "Passes over the images. [default: by data set]")
]
BatchSize = Annotated[
    int | None, options.number("batch_size", "Images per step. [default: by data set]")
]
LearningRate = Annotated[
    float | None, options.number("lr", "Peak learning rate of AdamW. [default: by data set]")
]
ImgSize = Annotated[
    Any, options.size_of_images("Size of the images in pixels. [default: by data set]")
]
Seed = Annotated[int, options.number("seed", "Seed of weights, order and augmentation.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue from the last checkpoint of this run.")
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Print the recipe and which differences it can resolve; train nothing."
    ),
]


@grouped
def command(
    threads: Threads,
    reading: ReadingOptions,
    model: Annotated[str, typer.Argument(help="Model name; `attnbench list models` shows all.")],
    data: Data = None,
    task: Task = None,
    head: Head = None,
    attention: Attention = None,
    anchors: Anchors = None,
    option: Option = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    img_size: ImgSize = None,
    seed: Seed = 0,
    device: options.Device = "auto",
    resume: Resume = False,
    dry_run: DryRun = False,
    out: options.Out = RUNS / "train.jsonl",
    plugin: options.Plugin = None,
) -> None:
    """Train a model and evaluate it after each epoch. The default data need no download."""
    from attnbench.cli.show.progress import images_progress, status
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    checkpoints = out.parent / "checkpoints"
    try_file(out)
    try_folder(checkpoints, outcomes_beside(out))
    with status(screen, "loading torch"):
        from attnbench.experiments.task import asked_for

        model, task, source = asked_for(model, head, task, data)
        inside = _values(option, anchors)

        from attnbench.cli.show.data import print_findings
        from attnbench.data.opening import open_data
        from attnbench.experiments.experiment import Experiment
        from attnbench.experiments.options import model_options
        from attnbench.profiling.machine.environment import choose_device
        from attnbench.training.recipe import recipe_for

        chosen = choose_device(device)
        settings = _as_before(reading, checkpoints, model, source) if resume else reading.settings
    threads.take(screen)
    with images_progress(screen) as on_images:
        images = open_data(
            source, img_size, task=task, seed=seed, settings=settings, on_progress=on_images
        )
    recipe = recipe_for(
        images, epochs=epochs, batch_size=batch_size, lr=lr, seed=seed,
        autocast="bfloat16" if chosen.type == "cuda" else "none",
    )  # fmt: skip
    experiment = Experiment(
        model=model, data=images, source=source, recipe=recipe, device=chosen,
        folder=checkpoints, task=task, reading=settings,
        options=model_options(model, images, attention, inside),
    )  # fmt: skip
    _print_start(experiment, screen)
    print_findings(images.findings, screen)
    if dry_run:
        from attnbench.cli.show.plan import print_plan

        print_plan(experiment, out, screen)
        return
    _run(experiment, resume, out, screen)


def _as_before(given: ReadingOptions, checkpoints: Path, model: str, source: str) -> Reading:
    """How the run that is resumed read its files; what is given now wins."""
    from attnbench.experiments.resume import reading_of

    return given.over(reading_of(checkpoints, model, source))


def _run(experiment: Experiment, resume: bool, out: Path, screen: Screen) -> None:
    """Train, store and show each record, and say where the checkpoint is."""
    from attnbench.benchmark.recorder import Recorder
    from attnbench.cli.show.progress import steps_progress
    from attnbench.experiments.run import run

    keep = Recorder(out, "train").keep

    def on_record(record: Record) -> None:
        keep(record)
        _print_epoch(record, screen)

    with steps_progress(screen) as on_step:
        record = run(
            experiment, resume=resume, on_record=on_record,
            on_step=lambda step: on_step(step.done, step.total, step.loss),
        )  # fmt: skip
    _print_result(record, out)
    print(f"Checkpoint: {experiment.folder / record.run / 'last.pt'}")


def _print_start(experiment: Experiment, screen: Screen) -> None:
    from attnbench.data.images import num_batches

    images, recipe = experiment.data, experiment.recipe
    height, width = recipe.img_size
    screen.say(
        f"{experiment.name}: {len(images.train):,} images to train on, {len(images.val):,} held "
        f"out, {images.num_classes} classes, {height} × {width} px, {recipe.epochs} epochs"
    )
    if len(images.train) > recipe.batch_size * num_batches(len(images.train), recipe.batch_size):
        screen.say(
            f"{len(images.train):,} images in batches of {recipe.batch_size}: the one that is left "
            "over joins the last batch"
        )


def _print_epoch(record: Record, screen: Screen) -> None:
    from attnbench.records import EpochRecord

    if not isinstance(record, EpochRecord):
        return
    screen.say(
        f"epoch {record.progress.epoch:3d}  loss {record.progress.train_loss:.3f}  "
        f"{_scores_text(record.scores)}  {record.progress.train_s:,.0f} s of training"
    )


def _scores_text(scores: Scores) -> str:
    from attnbench.cli.show.values import metric_text
    from attnbench.units import METRICS

    shown = {name: value for name, value in scores.values.items() if name != "loss"}
    return "  ".join(
        f"{METRICS[name].label} {metric_text(name, value)}" for name, value in shown.items()
    )


def _values(option: list[str] | None, anchors: int | None) -> dict[str, Any]:
    """The values of `--option` and `--anchors`, by keyword."""
    values = options.option_values(option)
    return values if anchors is None else {ANCHORS: anchors, **values}


def _print_result(record: ModelRecord, out: Path) -> None:
    from attnbench.cli.show.model import print_model
    from attnbench.cli.show.screen import Screen

    print_model(record, Screen())
    print(f"\nStored in {out}; `attnbench report` shows it.")
