"""Run two jobs by an engine, one of which is killed the first time; then that one again.

    python killed_job.py ENGINE OPTIONS FOLDER

A program of its own: engines leave processes and warnings behind. Prints a line of JSON a run.
"""

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from attnbench.benchmark.executors.base import Job
from attnbench.benchmark.executors.merging import Merged
from attnbench.benchmark.executors.named import executor_named
from attnbench.benchmark.executors.spread import run_jobs
from attnbench.benchmark.runner import open_record
from attnbench.records import store
from attnbench.spec import Protocol, Workload


@dataclass(frozen=True)
class Writes:
    """Writes the texts to its results file, one by one, and returns the file."""

    results: Path
    texts: tuple[str, ...]
    dies_unless: Path | None = None
    """It is killed after half of the last text, unless this file exists."""

    def __call__(self):
        self.results.parent.mkdir(parents=True, exist_ok=True)
        dies = self.dies_unless is not None and not self.dies_unless.exists()
        *whole, last = self.texts
        with self.results.open("a") as file:
            file.write("".join(text + "\n" for text in whole))
            file.write(last[: len(last) // 2] if dies else last + "\n")
        if dies:
            self.dies_unless.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.results.read_bytes()


def texts_of(*widths):
    cells = [Workload(attention="dense", grid=(4, width)) for width in widths]
    return tuple(
        store.text_of(open_record(cell, Protocol(), torch.device("cpu"))) for cell in cells
    )


def main(name, options, place):
    out, folder = place / "out.jsonl", place / "out.jsonl.jobs"
    good = Writes(folder / "good.jsonl", texts_of(4, 5))
    bad = Writes(folder / "bad.jsonl", texts_of(6, 7), place / "killed")
    merged = Merged(out)
    for works in ({"good": good, "bad": bad}, {"bad": bad}):
        lost = {}
        run_jobs(
            [Job(name=name, work=work) for name, work in works.items()],
            executor_named(name, folder / "engine", json.loads(options)), merged, folder,
            on_lost=lambda job, reason, lost=lost: lost.update({job.name: reason}),
        )  # fmt: skip
        contents = store.read(out)
        told = {
            "lost": lost, "widths": sorted(r.workload.grid[1] for r in contents.records),
            "problems": len(contents.problems), "left": len([*folder.glob("*.jsonl")]),
        }  # fmt: skip
        sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
