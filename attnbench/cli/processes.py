"""Several processes that work on one training or evaluation: who starts them, and who is this one.

torchrun says so by its variables; so does `--nproc`, which starts the processes itself; and so does
srun, by variables of its own. The first process prints; the others are silent.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TextIO

import typer

from attnbench import together
from attnbench.cli import options
from attnbench.cli.slurm import place_in_step, torchs_variables, variable
from attnbench.cli.threads import AUTO, Threads
from attnbench.errors import UserError
from attnbench.together import MESSAGE, PARENT, Place

TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
PROGRAM = "import sys; sys.path[:] = {path!r}; from attnbench.cli import main; main()"


class _Nowhere(io.TextIOBase):
    """The standard output and error of all processes but the first."""

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """How many processes are started here."""

    nproc: Annotated[
        int | None,
        options.number(
            "nproc",
            "Processes of this machine that share each batch, one for each GPU. Not under torchrun "
            "or srun, which start them.",
            show_default=False,
        ),
    ] = None

    @property
    def place(self) -> Place:
        """The place of this process, which others may have started."""
        return place_of(os.environ)

    @property
    def count(self) -> int:
        """How many there are, or will be."""
        return max(self.place.size, self.nproc or 1)

    def begin(
        self, threads: Threads, batch_size: int | None = None, *, starts: bool = True
    ) -> Place:
        """The place of this process; starts the others if it is alone and they are asked for.

        The variables by which torch finds the others are set.

        Args:
            threads: of this process.
            batch_size: images of a batch, if they are given.
            starts: whether this command is the one that all carry out; else each of its runs
                starts them.

        Raises:
            UserError: processes are asked for, and somebody else has started them; a batch has
                fewer images; or all would choose the same cores.
            typer.Exit: they were started, and have ended.
        """
        place, is_ours = self.place, PARENT in os.environ
        if is_ours:
            _end_with_parent()
        if place.size > 1:
            os.environ.update(torchs_variables(place, os.environ))
        if place.rank:
            sys.stdout = sys.stderr = _Nowhere()
        if self.count > 1 and (threads.threads == AUTO or threads.pin):
            raise UserError("several processes take --threads N; --threads auto and --pin do not")
        if self.nproc is None or is_ours:
            return place
        if place.size > 1:
            raise UserError(
                f"--nproc {self.nproc}: torchrun or srun has started {place.size} processes "
                "already; leave it out"
            )
        if batch_size is not None and batch_size < self.nproc:
            raise UserError(
                f"--batch-size: expected at least {self.nproc}, an image for each process of "
                f"--nproc, got {batch_size}; raise it, or start fewer processes"
            )
        if self.nproc > 1 and sys.platform == "win32":
            raise UserError("--nproc starts processes on Linux and macOS alone; use torchrun here")
        if self.nproc == 1 or not starts:
            return place
        raise typer.Exit(_started(self.nproc))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProcesses(Processes):
    """The same for `train`."""

    shard: Annotated[
        bool,
        typer.Option(
            "--shard",
            help="Each process keeps a part of the weights (FSDP), for models that no device "
            "holds.",
        ),
    ] = False

    def begin(
        self, threads: Threads, batch_size: int | None = None, *, starts: bool = True
    ) -> Place:
        """See `Processes.begin`."""
        if self.shard and self.count == 1:
            raise UserError(
                "--shard: expected several processes to share the weights, got one; give --nproc, "
                "or leave it out"
            )
        return Processes.begin(self, threads, batch_size, starts=starts)


def _started(count: int) -> int:
    """Start processes with the words of this one, and wait for them; returns the exit code."""
    from attnbench.isolation.several import run_several

    end = run_several(PROGRAM.format(path=sys.path), sys.argv[1:], count)
    if end.text:
        print(f"attnbench: {end.text}", file=sys.stderr)
    return end.code


def _end_with_parent() -> None:
    from attnbench.isolation.inside import end_with

    end_with(int(os.environ.pop(PARENT)))


def let_torch_be_quiet() -> None:
    """Keep warnings of torch's core, such as on DDP, from all processes; before torch is loaded."""
    if os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_STEP_ID"):
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


def place_of(environment: Mapping[str, str]) -> Place:
    """The place that the variables of torchrun say, or else those of srun; alone without them.

    Raises:
        UserError: a variable is no number.
    """
    if all(environment.get(name) for name in TORCHRUN):
        return Place(
            rank=variable(environment, "RANK"), size=variable(environment, "WORLD_SIZE"),
            local_rank=variable(environment, "LOCAL_RANK", "RANK"),
            local_size=variable(environment, "LOCAL_WORLD_SIZE", "WORLD_SIZE"),
        )  # fmt: skip
    return place_in_step(environment) if environment.get("SLURM_STEP_ID") else Place()


def started_by() -> list[str]:
    """The words before those of the command, by which it is started again as it was."""
    place = place_of(os.environ)
    if place.size == 1 or MESSAGE in os.environ:
        return ["attnbench"]
    if os.environ.get("SLURM_STEP_ID") and "TORCHELASTIC_RUN_ID" not in os.environ:
        return ["srun", "attnbench"]
    return ["torchrun", "--nproc-per-node", str(place.local_size), "-m", "attnbench"]


def last_words(text: str, *, lost: bool) -> bool:
    """Say why this process ends, if it is not to print that as usual; returns whether it was said.

    Args:
        text: one line.
        lost: whether it ends because another one has.
    """
    from attnbench.isolation.several import leave_message

    is_silent = isinstance(sys.stderr, _Nowhere)
    if MESSAGE in os.environ:
        leave_message(Path(os.environ[MESSAGE]), text, lost=lost)
    elif is_silent and not lost and together.have_met():
        print(f"attnbench: process {os.environ['RANK']}: {text}", file=sys.__stderr__)
    return MESSAGE in os.environ or is_silent


def for_errors() -> TextIO | None:
    """Where a defect is told, by all processes."""
    return sys.__stderr__ if isinstance(sys.stderr, _Nowhere) else sys.stderr
