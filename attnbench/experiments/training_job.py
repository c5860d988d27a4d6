"""One run of a queue as a job: it goes on from its checkpoint, wherever it is begun again."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench import together
from attnbench.errors import Stopped
from attnbench.executors.base import Answer
from attnbench.executors.told import Teller
from attnbench.records import Record
from attnbench.together import Place, joined

if TYPE_CHECKING:
    import torch

    from attnbench.experiments.preparing import Common
    from attnbench.experiments.queue import Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """Trains a run with its own file of records, and tells how far it is.

    All machines must see the folder of the checkpoints.
    """

    planned: Planned
    common: Common
    device: str
    results: Path
    """The file of this job."""
    folder: Path
    """The working folder, which relative paths start from."""
    plugins: tuple[str, ...] = ()
    threads: int | None = None
    save_every_s: float
    logs: tuple[str, ...] = ()
    processes: int = 1
    """Of the machine that trains the run; they share each batch."""
    sharded: bool = False
    """Whether each of them keeps a part of the weights."""
    compiler: str = ""
    """See `training.loop.train`."""
    command: str = ""
    """Goes on with the queue, for lists of runs."""

    def __call__(self) -> Answer:
        """Train; whatever a run may die of is the answer, so that only a lost process has none."""
        Teller(self.results).tell({})
        if self.processes > 1:
            from attnbench.experiments.team import in_team

            answer = in_team(self)
        else:
            answer, _ = self.trained(Place())
        lines = self.results.read_bytes() if self.results.exists() else b""
        return replace(answer, lines=lines)

    def trained(self, place: Place) -> tuple[Answer, BaseException | None]:
        """Train in this process, with those beside it.

        Args:
            place: of this process.

        Returns:
            What became of the run, without its records, and the error that ended it.
        """
        from attnbench.experiments.queue import end_of
        from attnbench.profiling.machine.own_device import device_of

        notes: list[str] = []
        try:
            self._take_over()
            device = device_of(place, self.device)
            with joined(place, device.type):
                self._train(device, notes)
        except (Exception, Stopped) as error:  # noqa: BLE001 - costs this run, and no other
            end, reason = end_of(error)
            return Answer(end=end, reason=reason, notes=tuple(notes)), error
        return Answer(notes=tuple(notes)), None

    def _train(self, device: torch.device, notes: list[str]) -> None:
        from attnbench.benchmark.recorder import Recorder
        from attnbench.experiments.run import run
        from attnbench.experiments.watching import Watch
        from attnbench.profiling.machine.environment import place_of
        from attnbench.training.loop import Step

        teller, is_first = Teller(self.results), together.is_first()
        host, gpu = place_of(device)
        keep, watch = Recorder(self.results, "train").keep, Watch(device)

        def on_record(record: Record) -> None:
            keep(replace(record, host=host, gpu=gpu))

        def on_step(step: Step) -> None:
            pace = watch.see(step)
            if is_first:
                teller.tell({"step": asdict(step), "pace": asdict(pace)})

        experiment = self.common.experiment(self.planned, self.common.images(self.planned), device)
        run(
            experiment, resume="auto", save_every_s=self.save_every_s, command=self.command,
            logs=self.logs, compiler=self.compiler, sharded=self.sharded, on_record=on_record,
            on_step=on_step, on_note=notes.append,
        )  # fmt: skip

    def _take_over(self) -> None:
        """Make this process as the one that made the job."""
        from attnbench.profiling.machine.threads import use_threads
        from attnbench.registry import load_plugin

        with suppress(OSError):
            os.chdir(self.folder)
        for source in self.plugins:
            load_plugin(source)
        if self.threads is not None:
            use_threads(self.threads)
