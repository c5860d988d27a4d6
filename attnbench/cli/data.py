"""`attnbench data`: what a data set holds, before a model is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attnbench.cli.grouped import grouped
from attnbench.cli.options import RUNS
from attnbench.cli.places import try_file
from attnbench.cli.reading import ReadingOptions

SHEETS = RUNS / "data"


@grouped
def command(
    reading: ReadingOptions,
    data: Annotated[
        str,
        typer.Argument(
            help="A folder of classes, COCO, YOLO, Pascal VOC, or images with masks; tar shards; "
            "hf:NAME; torchvision:NAME; or a known set, `attnbench list datasets`. coco:FOLDER and "
            "the like choose a layout."
        ),
    ],
    task: Annotated[
        str | None,
        typer.Option(
            help="Look for labels of this task alone: classification, detection, segmentation.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help=f"File for the sheet of samples. [default: {SHEETS}/NAME.png]", show_default=False
        ),
    ] = None,
) -> None:
    """Show what a data set holds, and draw a sheet of samples.

    Prints the layout, classes, sizes, modes and findings: what is repaired as it is read
    (orientation tags, boxes beyond their picture), what is left out (hidden files), and what
    training would refuse. The headers of pictures are read, and all labels; training also decodes
    the pictures.

    Exits with 1 if training would refuse the set.
    """  # fmt: skip
    from attnbench.cli.show.progress import images_progress, status
    from attnbench.cli.show.screen import Screen

    progress = Screen(stderr=True)
    if out is not None:
        try_file(out)
    with status(progress, "loading torch"):
        from attnbench.cli.show.data import print_inspection
        from attnbench.data.inspection import inspect_data
        from attnbench.data.sheet import draw_sheet
    with images_progress(progress) as on_images:
        found = inspect_data(data, task, settings=reading.settings, on_progress=on_images)
    print_inspection(found, Screen())
    sheet = out or SHEETS / f"{found.name[:60]}.png"
    draw_sheet(found, sheet)
    print(f"Samples: {sheet}")
    if any(finding.kind.outcome == "refused" for finding in found.findings):
        raise typer.Exit(1)
