"""Print the training runs of a folder as a table, and the commands that go on with them."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import MISSING, metric_text
from attnbench.experiments.status import RunStatus
from attnbench.units import primary_score


def print_runs(runs: Sequence[RunStatus], screen: Screen) -> None:
    """One row per run; below, why runs failed, and how those that have not ended go on."""
    heads = ("best score", "params", "GMACs", "latency")
    screen.table(
        [Column("run", whole=True), Column("state"), *map(number, heads)], [_row(r) for r in runs]
    )
    for run in runs:
        if run.state == "failed" and run.reason:
            screen.say(f"{run.run} failed: {run.reason}")
    waiting = [run for run in runs if run.state in ("stopped", "failed")]
    commands = dict.fromkeys(run.command for run in waiting if run.command)
    for command in commands:
        screen.say_whole(f"To go on: {command}")


def _row(run: RunStatus) -> list[str]:
    macs = MISSING if run.macs is None else f"{run.macs / 1e9:.3f}"
    return [
        run.run, _state(run), _score(run), metric_text("params", run.params), macs,
        metric_text("latency_s", run.latency_s),
    ]  # fmt: skip


def _state(run: RunStatus) -> str:
    if run.state == "finished":
        return f"finished after {run.epochs} epoch{'s' * (run.epochs > 1)}"
    steps = f" and {run.step:,} step{'s' * (run.step > 1)}" if run.step else ""
    between = "," if run.state == "running" else " at"
    return f"{run.state}{between} epoch {run.epoch} of {run.epochs}{steps}"


def _score(run: RunStatus) -> str:
    metric = primary_score(run.task)
    if metric is None or run.best is None:
        return MISSING
    return f"{metric.label} {metric.format(run.best)}"
