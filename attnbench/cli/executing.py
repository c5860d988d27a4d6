"""The options of commands whose work other machines can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from attnbench.cli import options
from attnbench.cli.threads import AUTO, Threads
from attnbench.errors import UserError
from attnbench.together import Place

if TYPE_CHECKING:
    from pathlib import Path

    from attnbench.cli.show.screen import Screen
    from attnbench.executors.base import Executor

ALONE = Place()
LOCAL = "local"
EXECUTORS = (LOCAL, "slurm", "ray")
MANY = {
    "slurm": "--executor-option at_once=N",
    "ray": "--executor-option num_cpus=N for each job, and starts as many as there is room for",
}
"""How an engine is told how many jobs run at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executing:
    """Options that choose the machines."""

    executor: Annotated[
        str,
        options.choice(
            EXECUTORS,
            "Where the work is done: by processes of this machine, or by jobs of Slurm (through "
            "submitit) or of Ray.",
        ),
    ] = LOCAL
    executor_option: Annotated[
        list[str] | None,
        options.checked(
            options.check_option,
            "Option of the executor; repeatable. slurm: any parameter of submitit, such as "
            "slurm_partition=gpu or timeout_min=60; cluster=local runs the jobs here; at_once=N. "
            "ray: address=auto, num_gpus=1.",
            metavar="NAME=VALUE",
        ),
    ] = None

    @property
    def elsewhere(self) -> bool:
        """Whether an engine decides which machines do the work."""
        return self.executor != LOCAL

    def check(self, device: str, threads: Threads) -> None:
        """Refuse what only this machine could answer, and an engine that is not installed.

        Raises:
            UserError: it says what to give instead.
        """
        if not self.elsewhere:
            if self.executor_option:
                raise UserError("--executor-option needs --executor slurm or ray")
            return
        if device == "auto" or "," in device:
            raise UserError(
                f"--executor {self.executor} expects --device cpu or cuda: what this machine has "
                "says nothing about the others"
            )
        if threads.threads == AUTO or threads.pin:
            raise UserError(
                f"--executor {self.executor} takes --threads N; auto and --pin ask this machine"
            )
        from attnbench.executors.named import require

        require(self.executor)

    def take(self, threads: Threads, screen: Screen) -> None:
        """Use the threads that were asked for, unless other machines do the work."""
        if not self.elsewhere:
            threads.take(screen)

    def open(self, folder: Path) -> Executor:
        """The executor, which is elsewhere, with its files in a folder.

        Raises:
            UserError: it is not here, or does not take an option.
        """
        from attnbench.executors.named import executor_named

        values: dict[str, Any] = options.option_values(self.executor_option)
        return executor_named(self.executor, folder, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce(Executing):
    """The same for commands that may do several things at the same time on this machine."""

    jobs: Annotated[
        int | None,
        options.number(
            "jobs",
            "Jobs of --executor local at the same time, each in a process of its own. "
            "\\[default: 1, or one for each GPU that --device lists]",
            show_default=False,
        ),
    ] = None  # fmt: skip

    def check_jobs(self, place: Place = ALONE, nproc: int | None = None) -> None:
        """Refuse a number of jobs where the engine decides, and jobs of several processes.

        Args:
            place: of this process, which others may have started.
            nproc: processes of each job.

        Raises:
            UserError: it says what to give instead.
        """
        if self.elsewhere and self.jobs is not None:
            raise UserError(
                f"--jobs is for --executor local; --executor {self.executor} takes "
                f"{MANY[self.executor]}"
            )
        if place.size > 1 and (self.elsewhere or self.jobs is not None):
            raise UserError(
                f"--executor and --jobs start a process for each run; {place.size} processes of "
                "torchrun or srun train one run after another: leave out one of the two"
            )
        if (nproc or 1) > 1 and self.jobs is not None:
            raise UserError(
                f"--jobs: the {nproc} processes of --nproc train one run after another; leave out "
                "one of the two"
            )
