"""A run of a queue as several processes of one machine, which share each batch.

The job starts them and waits. One that fails ends them all, and costs this run alone.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.errors import Stopped
from attnbench.executors.base import Answer
from attnbench.isolation.several import leave_message, place_here, run_several
from attnbench.together import MESSAGE, PARENT, PeerLostError

if TYPE_CHECKING:
    from attnbench.experiments.training_job import TrainingJob

PROGRAM = "import sys; sys.path[:] = {path!r}; from attnbench.experiments.team import main; main()"


def in_team(job: TrainingJob) -> Answer:
    """Train a run by as many processes as it says.

    Returns:
        What became of it, without its records.
    """
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        work, told = Path(folder, "work"), Path(folder, "told")
        work.write_bytes(pickle.dumps(job))
        program = PROGRAM.format(path=sys.path)
        end = run_several(program, [str(work), str(told)], job.processes)
        answer: Answer = pickle.loads(told.read_bytes()) if told.exists() else Answer()
    if not end.code:
        return answer
    what = "stopped" if answer.end == "stopped" else "failed"
    return replace(answer, end=what, reason=end.text or answer.reason)


def main() -> None:
    """One of the processes; the first one leaves the answer."""
    from attnbench.isolation.inside import end_with

    end_with(int(os.environ.pop(PARENT)))
    work, told = map(Path, sys.argv[1:])
    job: TrainingJob = pickle.loads(work.read_bytes())
    answer, error = job.trained(place_here())
    if place_here().rank == 0:
        told.write_bytes(pickle.dumps(answer))
    if error is None or answer.end == "with another process":
        return
    lost = isinstance(error, PeerLostError)
    leave_message(Path(os.environ[MESSAGE]), answer.reason, lost=lost)
    sys.exit(128 + error.signal if isinstance(error, Stopped) else 1)
