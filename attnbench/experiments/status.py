"""What a run is doing, in a small file beside its checkpoints: lists of runs read it alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from attnbench.benchmark.claims import SUFFIX, Claims
from attnbench.errors import UserError
from attnbench.files.reading import read_text
from attnbench.files.writing import replace_text
from attnbench.records import ModelRecord, now
from attnbench.records.convert import as_type
from attnbench.records.numbers import Count, MacCount, Params, Score, Seconds, Text
from attnbench.training.checkpoint import Checkpoint, load
from attnbench.training.rotation import LAST
from attnbench.units import primary_score

STATUS = "run.json"
CHECKPOINTS = "checkpoints"
"""Beside the records of `train`: the folders of the runs."""
CLAIMS = "runs"
"""Beside the folders of the runs: who trains which, see `benchmark.claims`."""

State = Literal["running", "stopped", "failed", "finished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """How far a run has come, what it scores, and how it goes on."""

    run: Text
    """Its name, which is that of its folder."""
    state: State = "running"
    task: Text
    epoch: Count = 0
    """Epochs done."""
    epochs: Count
    """Epochs in all."""
    step: Count = 0
    """Steps done in the epoch after these, when the run was last saved."""
    score: Score | None = None
    """The primary score of the task after the last whole epoch."""
    best: Score | None = None
    params: Params | None = None
    macs: MacCount | None = None
    """Of one image."""
    latency_s: Seconds | None = None
    command: Text = ""
    """Goes on with the run; "" if it was started from Python."""
    reason: Text = ""
    """Why it failed."""
    updated: Text = ""
    """UTC, ISO 8601."""

    def with_cost(self, record: ModelRecord) -> RunStatus:
        """The same with what the trained model costs."""
        return replace(
            self,
            params=record.params,
            macs=record.macs.products_macs if record.macs else None,
            latency_s=record.latency.median_s if record.latency else None,
        )


def write_status(folder: Path, status: RunStatus) -> None:
    """Replace the file of a run. What cannot be written is left out: the checkpoints tell more."""
    with suppress(OSError):
        text = json.dumps(asdict(replace(status, updated=now())), indent=2)
        replace_text(folder / STATUS, f"{text}\n")


def read_status(folder: Path) -> RunStatus | None:
    """What a run was doing when it last said so; None if the file is missing or damaged."""
    try:
        return as_type(json.loads(read_text(folder / STATUS)), RunStatus)
    except (UserError, ValueError, RecursionError):
        return None


def all_runs(folder: Path) -> list[RunStatus]:
    """The runs in a folder, by name; what no process trains and has not ended is stopped.

    Args:
        folder: of records, or the one of checkpoints beside them, with a folder for each run.
    """
    return sorted(_runs_in(folder / CHECKPOINTS) + _runs_in(folder), key=lambda status: status.run)


def _runs_in(checkpoints: Path) -> list[RunStatus]:
    folders = {path.parent for name in (STATUS, LAST) for path in checkpoints.glob(f"*/{name}")}
    found = [read_status(folder) or _of_checkpoint(folder) for folder in sorted(folders)]
    runs = [status for status in found if status is not None]
    trained = _trained_by_somebody(checkpoints, [run.run for run in runs if run.state == "running"])
    return [
        replace(run, state="stopped") if run.state == "running" and run.run not in trained else run
        for run in runs
    ]


def _trained_by_somebody(checkpoints: Path, names: Sequence[str]) -> set[str]:
    """Those of the runs that a process has claimed; nothing is written where nobody claims."""
    if not names or not (checkpoints / (CLAIMS + SUFFIX)).exists():
        return set()
    busy = set()
    with Claims(checkpoints / CLAIMS) as claims:
        for name in names:
            with claims.held([name]) as nobody_else:
                busy |= set() if nobody_else else {name}
    return busy


def _of_checkpoint(folder: Path) -> RunStatus | None:
    """What the last checkpoint says of a run whose version of attnbench wrote no status."""
    try:
        saved = load(folder / LAST)
    except UserError:
        return None
    status = with_progress(RunStatus(run=folder.name, task=saved.task, epochs=1), saved)
    return replace(status, state="finished") if status.epoch >= status.epochs else status


def with_progress(status: RunStatus, saved: Checkpoint) -> RunStatus:
    """A status with how far a checkpoint has come."""
    metric = primary_score(saved.task)
    score = saved.scores.values.get(metric.key) if saved.scores and metric else None
    best = status.best
    if score is not None and metric is not None:
        better = max if metric.better == "higher" else min
        best = score if best is None else better(best, score)
    return replace(
        status, epoch=saved.state.epochs, epochs=saved.recipe.epochs, step=saved.state.step,
        score=score, best=best,
    )  # fmt: skip
