"""`attnbench runs`: which training runs there are, how far each is, and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attnbench.cli.options import RUNS
from attnbench.errors import UserError


def command(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the records of `train`, or of its checkpoints.")
    ] = RUNS,
) -> None:
    """List the training runs: running, stopped, failed or finished, with scores and cost."""
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    with status(Screen(stderr=True), "loading torch"):
        from attnbench.cli.show.runs import print_runs
        from attnbench.experiments.status import all_runs
        from attnbench.files.reading import shown

        runs = all_runs(folder)
    if not runs:
        raise UserError(
            f"{shown(folder)}: expected a folder with runs of `attnbench train`, got none; train "
            "a model first, or name the folder of its records"
        )
    print_runs(runs, Screen())
