"""`attnbench evaluate`: measure the scores and cost of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attnbench.cli import options
from attnbench.cli.grouped import grouped
from attnbench.cli.options import RUNS
from attnbench.cli.places import try_file
from attnbench.cli.reading import ReadingOptions
from attnbench.cli.threads import Threads
from attnbench.spec.validation import one_of


def _check_split(text: str, flag: str) -> None:
    one_of(("val", "test"), split=text)


@grouped
def command(
    threads: Threads,
    reading: ReadingOptions,
    checkpoint: Annotated[Path, typer.Argument(help="A `last.pt` written by `attnbench train`.")],
    data: Annotated[
        str | None,
        typer.Option(
            help="Data set to evaluate on. [default: that of the training]", show_default=False
        ),
    ] = None,
    split: Annotated[
        str | None,
        options.checked(
            _check_split,
            "Held-out part of a folder with boxes or masks. [default: val]",
            metavar="val|test",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[int, options.number("batch_size", "Images per forward pass.")] = 64,
    device: options.Device = "auto",
    out: Annotated[Path, typer.Option(help="File to append the record to.")] = RUNS
    / "evaluate.jsonl",
    plugin: options.Plugin = None,
) -> None:
    """Evaluate a trained model: scores, parameters, MACs, latency, throughput."""
    from attnbench.cli.show.progress import images_progress, status, steps_progress
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    try_file(out)
    with status(screen, "loading torch"):
        from attnbench.benchmark.recorder import Recorder
        from attnbench.cli.show.data import print_findings
        from attnbench.cli.show.model import print_model
        from attnbench.data.opening import open_data
        from attnbench.experiments.judge import judge
        from attnbench.experiments.needs import data_of, refuse_missing_names
        from attnbench.profiling.machine.environment import choose_device
        from attnbench.training.checkpoint import load

        chosen = choose_device(device)
        trained = load(checkpoint)
        refuse_missing_names(trained)
        source = data_of(trained, data)
    threads.take(screen)
    with images_progress(screen) as on_images:
        images = open_data(
            source, trained.img_size, trained.task, train=False, held_out=split,
            settings=reading.settings, on_progress=on_images,
        )  # fmt: skip
    print_findings(images.findings, screen)
    with steps_progress(screen) as on_step:
        record = judge(
            trained, images, run_name=checkpoint.parent.name, batch_size=batch_size,
            device=chosen, on_step=lambda done, total: on_step(done, total, None),
        )  # fmt: skip
    Recorder(out, "evaluate").keep(record)
    print_model(record, Screen())
    print(f"\nStored in {out}; `attnbench report` shows it.")
