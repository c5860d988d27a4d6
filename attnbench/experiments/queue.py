"""A queue of runs: models, attentions and seeds. Each is a job, and one that fails costs itself.

A queue is called again until all is done. Runs that have ended are passed over, and those that were
stopped go on. Several queues may work on one folder at the same time: they share its runs. Where
torchrun or srun has started several processes for the whole queue, a run that fails ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from attnbench import together
from attnbench.bounds import shortened_message
from attnbench.errors import Stopped, UserError
from attnbench.experiments.experiment import Experiment
from attnbench.experiments.resume import BusyError, folder_of_earlier
from attnbench.experiments.status import read_status
from attnbench.registry import ATTENTIONS

End = Literal["done", "already there", "with another process", "stopped", "failed", "lost"]
"""Lost is a run whose process ended without an answer, be it killed or its machine gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A run, by what tells it from the others of its queue."""

    model: str
    attention: str | None
    seed: int

    @property
    def label(self) -> str:
        """For people: "pyramid-t with anchor, seed 1"."""
        inside = f" with {self.attention}" if self.attention else ""
        return f"{self.model}{inside}, seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run."""

    planned: Planned
    end: End
    reason: str = ""
    """Why it failed, was stopped or lost."""


def plan(
    models: Sequence[str], attentions: Sequence[str | None], seeds: Sequence[int]
) -> list[Planned]:
    """All combinations; a queue that is cut short has as many seeds of each.

    Args:
        models: registered names.
        attentions: of the trunks; None for that of the model.
        seeds: of each.

    Raises:
        UserError: no such attention.
    """
    for attention in filter(None, attentions):
        ATTENTIONS.find(attention)
    return [
        Planned(model=model, attention=attention, seed=seed)
        for seed in dict.fromkeys(seeds)
        for model in dict.fromkeys(models)
        for attention in dict.fromkeys(attentions)
    ]


def end_of(error: BaseException) -> tuple[End, str]:
    """What became of a run that raised an error, and the reason for people."""
    if isinstance(error, BusyError):
        return "with another process", ""
    if isinstance(error, Stopped):
        return "stopped", str(error)
    reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return "failed", shortened_message(reason)


def in_turn(
    queue: Sequence[Planned],
    prepare: Callable[[Planned], Experiment],
    train: Callable[[Experiment], object],
) -> Iterator[Outcome]:
    """Train each run of a queue by the processes that somebody started for all of them.

    One that fails ends the queue: only the end of all processes tells each of them.

    Args:
        queue: see `plan`.
        prepare: opens the data of a run, and checks that its model can be built.
        train: trains it, or goes on with it: `run` with `resume="auto"`.
    """
    for planned in queue:
        try:
            experiment = prepare(planned)
            if together.on_first(partial(is_finished, experiment)):
                yield Outcome(planned=planned, end="already there")
                continue
            train(experiment)
        except BusyError:
            yield Outcome(planned=planned, end="with another process")
        else:
            yield Outcome(planned=planned, end="done")


def is_finished(experiment: Experiment) -> bool:
    """Whether this very run has ended, with its record stored."""
    folder = folder_of_earlier(experiment)
    status = read_status(folder) if folder else None
    return status is not None and status.state == "finished"
