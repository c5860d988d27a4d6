"""The options of commands whose work other machines can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from attnbench.cli import options
from attnbench.cli.threads import AUTO, Threads
from attnbench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from attnbench.benchmark.executors.base import Executor

LOCAL = "local"
EXECUTORS = (LOCAL, "slurm", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Executing:
    """Options that choose the machines."""

    executor: Annotated[
        str,
        options.choice(
            EXECUTORS,
            "Where the cells are measured: on this machine, or by jobs of Slurm (through submitit) "
            "or of Ray. Each job is one comparison; one job at a time measures on a machine.",
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
        """Whether other processes than the worker of this command do the work."""
        return self.executor != LOCAL

    def check(self, device: str, threads: Threads) -> None:
        """Refuse what only this machine could answer.

        Raises:
            UserError: it says what to give instead.
        """
        if not self.elsewhere:
            if self.executor_option:
                raise UserError("--executor-option needs --executor slurm or ray")
            return
        if device == "auto":
            raise UserError(
                f"--executor {self.executor} expects --device cpu or cuda: what this machine has "
                "says nothing about the others"
            )
        if threads.threads == AUTO or threads.pin:
            raise UserError(
                f"--executor {self.executor} takes --threads N; auto and --pin ask this machine"
            )

    def open(self, folder: Path) -> Executor:
        """The executor, with its files in a folder.

        Raises:
            UserError: its package is missing, or it does not take an option.
        """
        from attnbench.benchmark.executors.named import executor_named

        values: dict[str, Any] = options.option_values(self.executor_option)
        return executor_named(self.executor, folder, values)
