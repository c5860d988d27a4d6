"""Which estimator stays closest to the quiet latency when other programs use the processor?

Prints Markdown: bias and spread of each estimator over the load. One command, under ten minutes on
two cores, on a machine with nothing else to do:

    python scripts/bench_estimators.py

Calls of three sizes are measured with one and with two threads, each number of threads in a
process of its own. Loads are planted in turn and the whole is repeated, so that a slow change of
the machine hits all loads alike. The truth of an estimator is the median of what it says without
load, as a user compares like with like. Threads wait without spinning
(`OMP_WAIT_POLICY=passive`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

import torch

from attnbench.cores import available_cores
from attnbench.doctor.planted_contention import busy_processes
from attnbench.doctor.timed_operator import operator_of
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call
from attnbench.profiling.machine.environment import describe_environment
from attnbench.records import now
from attnbench.records.latency import Latency
from attnbench.records.median import percentile
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import Protocol, Workload

LOADS = ((0, 1.0), (1, 0.5), (2, 0.5), (1, 1.0), (2, 1.0))
"""Number of busy processes, and the share of the time in which each is busy."""
CELLS = {
    "50 us": Workload(attention="dense", grid=(4, 4), impl="sdpa", dim=96),
    "1 ms": Workload(attention="dense", grid=(14, 14)),
    "10 ms": Workload(attention="dense", grid=(14, 14), batch=10),
}
"""About how long a call takes with one thread."""
CLOSE = 0.05
"""An estimate is close if it is off by at most this share."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What each estimator said of one measurement."""

    cell: str
    threads: int
    load: str
    estimates: Mapping[str, float | None]
    """Seconds; None where the estimator declined to answer."""
    undisturbed: int
    samples: int


def mode(samples: Sequence[float]) -> float:
    """The half-sample mode (Bickel and Fruehwirth 2006): the densest half, again and again."""
    ordered = sorted(samples)
    while len(ordered) > 2:
        half = (len(ordered) + 1) // 2
        starts = range(len(ordered) - half + 1)
        start = min(starts, key=lambda i: ordered[i + half - 1] - ordered[i])
        ordered = ordered[start : start + half]
    return sum(ordered) / len(ordered)


def _less_waits(latency: Latency) -> float:
    pairs = zip(latency.samples_s, latency.waits_s or latency.samples_s, strict=True)
    return median(max(sample - wait, 0.0) for sample, wait in pairs)


ESTIMATORS: dict[str, Callable[[Latency], float | None]] = {
    "median": lambda latency: median(latency.samples_s),
    "median of the undisturbed": lambda latency: None if latency.is_disturbed else latency.median_s,
    "p25": lambda latency: percentile(latency.samples_s, 0.25),
    "p10": lambda latency: percentile(latency.samples_s, 0.10),
    "minimum": lambda latency: min(latency.samples_s),
    "half-sample mode": lambda latency: mode(latency.samples_s),
    "median less waits": _less_waits,
}


def load_name(count: int, share: float) -> str:
    """As the head of a column."""
    if count == 0:
        return "none"
    return f"{count} × half" if share < 1 else f"{count} core{'s' if count > 1 else ''}"


def trials(threads: int, repeats: int, protocol: Protocol) -> Iterator[Trial]:
    """Measure every cell under every load, again and again, in this process."""
    torch.set_num_threads(threads)
    device = torch.device("cpu")
    operators = {name: operator_of(workload, device) for name, workload in CELLS.items()}
    for _ in range(repeats):
        for count, share in LOADS:
            with busy_processes(count, share):
                for name, operator in operators.items():
                    latency = _measure(operator.call, protocol, operator.timer)
                    yield Trial(
                        cell=name, threads=threads, load=load_name(count, share),
                        estimates={key: ask(latency) for key, ask in ESTIMATORS.items()},
                        undisturbed=len(latency.undisturbed), samples=len(latency.samples_s),
                    )  # fmt: skip


def _measure(call: Call, protocol: Protocol, timer: object) -> Latency:
    return measure_latencies({"": call}, protocol, timer, rounds_with="")[""]  # type: ignore[arg-type]


def summary(found: Sequence[Trial]) -> list[str]:
    """A table for each number of threads: bias and spread, and how many were close or declined."""
    lines: list[str] = []
    loads = [load_name(*load) for load in LOADS]
    for threads in sorted({trial.threads for trial in found}):
        mine = [trial for trial in found if trial.threads == threads]
        rows = [
            (name, *(_bias(mine, name, load) for load in loads), _share(mine, name))
            for name in ESTIMATORS
        ]
        heads = ("estimator", *loads, "close, declined, wrong")
        lines += ["", f"## {threads} thread{'s' if threads > 1 else ''}", ""]
        lines += table_lines(heads, (False,) * len(heads), rows)
    return lines


def errors(found: Sequence[Trial], name: str, load: str) -> list[float | None]:
    """Estimate ÷ truth - 1 of each trial under a load; None where the estimator declined."""
    cells = {trial.cell for trial in found}
    truth = {
        cell: median(
            value
            for trial in found
            if (trial.cell, trial.load) == (cell, "none")
            and (value := trial.estimates[name]) is not None
        )
        for cell in cells
    }
    estimates = [(trial.cell, trial.estimates[name]) for trial in found if trial.load == load]
    return [None if value is None else value / truth[cell] - 1 for cell, value in estimates]


def _bias(found: Sequence[Trial], name: str, load: str) -> str:
    """Median of the errors, and the range of the middle eight tenths."""
    answered = [error for error in errors(found, name, load) if error is not None]
    if len(answered) < 2:
        return "declined"
    tenths = quantiles(answered, n=10, method="inclusive")
    return f"{median(answered):+.1%} [{tenths[0]:+.1%} to {tenths[-1]:+.1%}]"


def _share(found: Sequence[Trial], name: str) -> str:
    """Of all trials under a load: within five per cent, without an answer, and off by more."""
    all_errors = [e for load in LOADS[1:] for e in errors(found, name, load_name(*load))]
    answered = [error for error in all_errors if error is not None]
    close = sum(abs(error) <= CLOSE for error in answered)
    return f"{close}, {len(all_errors) - len(answered)}, {len(answered) - close}"


def in_child(threads: int, arguments: Sequence[str]) -> list[Trial]:
    """The trials of a process whose threads are set before torch is loaded."""
    settings = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    out = subprocess.run(
        [sys.executable, __file__, "--child", str(threads), *arguments],
        env=os.environ | settings, stdout=subprocess.PIPE, check=True, text=True,
    ).stdout  # fmt: skip
    return [Trial(**json.loads(line)) for line in out.splitlines()]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the trials there")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    protocol = Protocol(warmup_s=0.05, precision=1e-9, time_budget_s=chosen.budget)
    if chosen.child:
        for trial in trials(chosen.child, chosen.repeats, protocol):
            sys.stdout.write(json.dumps(asdict(trial)) + "\n")
        return
    arguments = ["--repeats", str(chosen.repeats), "--budget", str(chosen.budget)]
    found = [
        trial
        for threads in sorted({1, available_cores()})
        for trial in in_child(threads, arguments)
    ]
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([asdict(trial) for trial in found]) + "\n")
    quiet = [trial for trial in found if trial.load == "none"]
    undisturbed = sum(t.undisturbed for t in quiet) / sum(t.samples for t in quiet)
    conditions = (
        f"{describe_environment(torch.device('cpu')).label}, {available_cores()} cores, {now()}; "
        f"{chosen.repeats} repeats of {len(CELLS)} calls, {chosen.budget:g} s each. Bias: median "
        "and middle eight tenths. "
        f"Undisturbed without load: {undisturbed:.0%} of the samples; the truth is worth as much."
    )
    sys.stdout.write("\n".join(["# Estimators under load", "", conditions, *summary(found)]) + "\n")


if __name__ == "__main__":
    main()
