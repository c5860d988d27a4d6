"""The options of `train` that say which runs there are, and how they go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from attnbench.cli import options
from attnbench.errors import UserError

LOGS = ("csv", "tensorboard", "wandb", "mlflow")


def _check_seeds(text: str, flag: str) -> None:
    options.integers(text, flag, "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Which seeds are trained, what is resumed, and how often the state is saved."""

    seed: Annotated[
        int | None,
        options.number(
            "seed", "Seed of weights, order and augmentation. [default: 0]", show_default=False
        ),
    ] = None
    seeds: Annotated[
        str | None,
        options.checked(
            _check_seeds,
            "Several seeds, such as 0,1,2: a queue, in which ended runs are passed over and "
            "stopped ones go on.",
            metavar="N,N,…", show_default=False,
        ),
    ] = None  # fmt: skip
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue from the last checkpoint of this run."),
    ] = False
    auto_resume: Annotated[
        bool,
        typer.Option("--auto-resume", help="The same if there is one; else start the run."),
    ] = False
    save_every: Annotated[
        float, options.number("save_every", "Minutes between two checkpoints within an epoch.")
    ] = 5.0
    compile: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="Train through torch.compile; checkpoints stay as they are.",
        ),
    ] = False
    log: Annotated[
        str | None,
        options.choice_list(
            LOGS,
            "Curves for other programs, in the folder of the run or by their packages: csv, "
            "tensorboard, wandb, mlflow; several separated by commas.",
            metavar="NAMES", show_default=False,
        ),
    ] = None  # fmt: skip

    @property
    def logs(self) -> list[str]:
        """Those asked for."""
        return list(dict.fromkeys(options.names(self.log or "")))

    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the recipe, and which differences its images and seeds can resolve; train "
            "nothing.",
        ),
    ] = False

    @property
    def all_seeds(self) -> list[int]:
        """Those asked for.

        Raises:
            UserError: both flags are given.
        """
        if self.seeds is None:
            return [self.seed or 0]
        if self.seed is not None:
            raise UserError("--seed and --seeds exclude each other; give one of them")
        return options.integers(self.seeds, "--seeds", "seed")
