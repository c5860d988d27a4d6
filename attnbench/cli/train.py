"""`attnbench train`: train models, then record their scores and cost."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attnbench.cli import options
from attnbench.cli.cells import ANCHORS
from attnbench.cli.executing import AtOnce
from attnbench.cli.grouped import grouped
from attnbench.cli.options import RUNS
from attnbench.cli.outcome import outcomes_beside
from attnbench.cli.places import try_file, try_folder
from attnbench.cli.processes import TrainingProcesses
from attnbench.cli.reading import ReadingOptions
from attnbench.cli.recipe import RecipeOptions
from attnbench.cli.running import Running
from attnbench.cli.threads import Threads
from attnbench.errors import Stopped, UserError
from attnbench.together import Place, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import torch

    from attnbench.cli.show.screen import Screen
    from attnbench.cli.training import Training
    from attnbench.cli.training_queue import TrainingQueue
    from attnbench.data.layouts.found import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class What:
    """What is trained beside the names of the models, and on which data."""

    data: Annotated[
        str | None,
        typer.Option(
            help="A set that `attnbench list datasets` shows, or a folder: train/ and val/ with "
            "one subfolder per class in each; boxes as COCO, YOLO or Pascal VOC write them; "
            "images/ and masks/; or tar shards, hf:NAME or torchvision:NAME. "
            "[default: real digits]",
            show_default=False,
        ),
    ] = None
    task: Annotated[
        str | None,
        typer.Option(
            help="classification, detection or segmentation. [default: that of the model]",
            show_default=False,
        ),
    ] = None
    head: Annotated[
        str | None,
        typer.Option(
            help="Head over a backbone: picodet, semantic-fpn or uper-net.", show_default=False
        ),
    ] = None
    attention: Annotated[
        str | None,
        typer.Option(
            help="Attention of a pyramid-* or vit-* trunk; or several, separated by commas.",
            show_default=False,
        ),
    ] = None
    anchors: Annotated[
        int | None,
        options.number("anchors", "Short for --option num_anchors=N.", show_default=False),
    ] = None
    option: Annotated[
        list[str] | None,
        options.checked(
            options.check_option,
            "Option of the trunk's attention, or else of the model; repeatable.",
            metavar="NAME=VALUE",
        ),
    ] = None

    @property
    def attentions(self) -> list[str | None]:
        """Those asked for; None for that of the model."""
        return [*options.names(self.attention or "")] or [self.attention]

    @property
    def values(self) -> dict[str, Any]:
        """The values of `--option` and `--anchors`, by keyword."""
        values = options.option_values(self.option)
        return values if self.anchors is None else {ANCHORS: self.anchors, **values}


Models = Annotated[
    list[str], typer.Argument(help="Model names; `attnbench list models` shows all.")
]


@grouped
def command(
    threads: Threads,
    processes: TrainingProcesses,
    reading: ReadingOptions,
    running: Running,
    what: What,
    recipe: RecipeOptions,
    executing: AtOnce,
    models: Models,
    device: options.Devices = "auto",
    out: options.Out = RUNS / "train.jsonl",
    plugin: options.Plugin = None,
) -> None:
    """Train models and evaluate them after each epoch. The default data need no download.

    Several models, attentions or --seeds are a queue of runs, each in a process of its own. Call it
    again to go on: runs that have ended are passed over, those that were stopped are resumed. A run
    that fails, or whose process is lost, costs itself.
    """
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    checkpoints, screen = out.parent / "checkpoints", Screen(stderr=True)
    _try_places(out, checkpoints, processes.place)
    executing.check(device, threads)
    executing.check_jobs(processes.place, processes.nproc)
    is_single = _is_single(models, what, running, executing)
    place = processes.begin(threads, recipe.batch_size, starts=is_single and not running.dry_run)
    with status(screen, "loading torch"):
        from attnbench.cli.training import Training
        from attnbench.experiments.logs import require
        from attnbench.experiments.preparing import Common
        from attnbench.experiments.queue import plan
        from attnbench.experiments.task import asked_for

        require(running.logs)
        asked = [asked_for(name, what.head, what.task, what.data) for name in _named(models)]
        queue = plan([name for name, _, _ in asked], what.attentions, running.all_seeds)
        resumed = asked[0] if is_single and running.resume else None
        chosen = _devices(options.device_names(device), place, executing,
                          nproc=processes.nproc or 1, is_single=is_single)  # fmt: skip
        common = Common(
            found={name: (task, source) for name, task, source in asked},
            recipe=recipe.overrides(gpu=chosen[0].type == "cuda"), img_size=recipe.img_size,
            options=what.values, reading=_settings(reading, checkpoints, resumed),
            checkpoints=checkpoints,
        )  # fmt: skip
    training = Training(common=common, running=running, device=chosen[0], out=out, screen=screen,
                        nproc=processes.nproc or 1, sharded=processes.shard)  # fmt: skip
    executing.take(threads, screen)
    if running.dry_run:
        training.show_plan(queue, len(running.all_seeds))
        return
    with _stops_told(screen), joined(place, chosen[0].type):
        if is_single:
            training.one(queue[0])
        elif place.size > 1:
            training.in_turn(queue)
        else:
            _as_jobs(training, executing, chosen, threads, plugin).work_through(queue)


def _as_jobs(
    training: Training,
    executing: AtOnce,
    devices: Sequence[torch.device],
    threads: Threads,
    plugins: list[str] | None,
) -> TrainingQueue:
    """What trains each run in a process of its own, or in several."""
    from attnbench.cli.training_queue import TrainingQueue

    return TrainingQueue(
        training=training, executing=executing, devices=[str(device) for device in devices],
        threads=threads, plugins=tuple(plugins or ()),
    )  # fmt: skip


@contextmanager
def _stops_told(screen: Screen) -> Iterator[None]:
    """End as a signal asked for it, and say how to go on."""
    from attnbench.cli.training import told

    try:
        yield
    except Stopped as stop:
        raise told(stop, screen) from None


def _devices(
    names: Sequence[str], place: Place, executing: AtOnce, *, nproc: int, is_single: bool
) -> list[torch.device]:
    """The devices of the runs; those of other machines are not looked for.

    Args:
        names: as `--device` takes them.
        place: of this process.
        executing: where the runs are trained.
        nproc: processes of each run that it starts itself.
        is_single: whether there is one run, in this process.

    Raises:
        UserError: there is none of that name, or there are several for one run at a time.
    """
    from attnbench.profiling.machine.environment import device_named
    from attnbench.profiling.machine.own_device import device_of, shared_device

    if len(names) > 1 and (is_single or place.size > 1 or nproc > 1):
        raise UserError(
            f"--device: one run at a time takes one device, got {', '.join(names)}; give one, or "
            "several runs without --nproc"
        )
    if executing.elsewhere:
        return [device_named(name) for name in names]
    if nproc > 1 and not is_single:
        return [shared_device(names[0], Place(size=nproc, local_size=nproc))]
    return [device_of(place, name) for name in names]


def _is_single(models: list[str], what: What, running: Running, executing: AtOnce) -> bool:
    """Whether one run is asked for, and no queue."""
    choices = (_named(models), what.attentions, running.all_seeds)
    one_each = all(len({*names}) == 1 for names in choices)
    return one_each and running.seeds is None and not executing.elsewhere


def _named(models: list[str]) -> list[str]:
    """Models that are given one by one, or separated by commas."""
    return [name for words in models for name in options.names(words) or [words]]


def _settings(
    given: ReadingOptions, checkpoints: Path, resumed: tuple[str, str, str] | None
) -> Reading:
    """How files are read; as the resumed run (model, task, source) read them, if there is one.

    What is given now wins.
    """
    from attnbench.experiments.resume import reading_of

    if resumed is None:
        return given.settings
    model, _, source = resumed
    return given.over(reading_of(checkpoints, model, source))


def _try_places(out: Path, checkpoints: Path, place: Place) -> None:
    """Refuse places that cannot be written to, before anything is done; the first process does."""
    if place.rank == 0:
        try_file(out)
        try_folder(checkpoints, outcomes_beside(out))
