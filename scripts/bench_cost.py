"""Part of `bench.py`: the cost of a sample beyond its call, and of a cell beyond measuring it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from bench_rows import Effort, Row, Section, met

from attnbench.benchmark.sweep import sweep
from attnbench.benchmark.worker import Worker
from attnbench.doctor.known_times import spin
from attnbench.doctor.timed_operator import LAYER
from attnbench.profiling.latency.observers import standard_observers
from attnbench.profiling.latency.sampling import Candidate
from attnbench.profiling.latency.timer import Call, WallTimer
from attnbench.records import CostRecord, store
from attnbench.spec import Protocol
from attnbench.units import format_seconds

CELL_OVERHEAD_S = 0.2
"""The aim."""
LEAST_OF = 3
"""Number of loops; the fastest one tells what sampling costs."""


def overhead(effort: Effort) -> Section:
    """What a sample costs beyond the call that it times."""
    empty_s, _ = sampling_overhead(lambda: None, effort.nothing)
    busy_s, call_s = sampling_overhead(partial(spin, 1e-3), effort.millisecond)
    return Section(
        title="Overhead of the sampling loop",
        conditions="seconds outside the timed spans ÷ number of samples, by the host's clock: the "
        f"canary, the readings of the clocks, the loop; the least of {LEAST_OF} loops.",
        rows=[
            Row(
                what="a call that does nothing",
                measured=f"{format_seconds(empty_s)} a sample",
                numbers={"overhead_s": empty_s},
            ),
            Row(
                what="a call of 1 ms",
                measured=f"{format_seconds(busy_s)} a sample, {100 * busy_s / call_s:.2f} %",
                numbers={"overhead_s": busy_s, "call_s": call_s},
            ),
        ],
    )


def sampling_overhead(call: Call, protocol: Protocol) -> tuple[float, float]:
    """Seconds a sample that are spent outside the call, and inside.

    The cost of a loop is fixed and other programs only add to it, so the least of the loops counts.
    """
    return min(_one_loop(call, protocol) for _ in range(LEAST_OF))


def _one_loop(call: Call, protocol: Protocol) -> tuple[float, float]:
    """Samples in a row, as within a block; the rests between blocks are nobody's cost."""
    candidate = Candidate("", call, WallTimer(), observers=standard_observers())
    for observer in candidate.observers:
        observer.start()
    start, count = time.perf_counter(), protocol.min_samples
    for _ in range(count):
        candidate.take_sample()
    spent_s = time.perf_counter() - start
    for observer in candidate.observers:
        observer.stop()
    inside_s = sum(sample.work_s for sample in candidate.samples)
    return (spent_s - inside_s) / count, inside_s / count


def sweeping(device: torch.device, effort: Effort) -> Section:
    """Cells a minute through a worker, as in `attnbench sweep`, and the cost of a cell."""
    with Worker(str(device), (), 300) as worker, tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        sweep([LAYER], effort.cell, device, measure=worker.measure)
        begun = time.perf_counter()
        records = sweep(
            effort.workloads, effort.cell, device, measure=worker.measure,
            on_record=partial(store.append, Path(folder) / "sweep.jsonl"),
        )  # fmt: skip
        taken_s = time.perf_counter() - begun
    return _sweep_section(records, begun - start, taken_s, effort.cell)


def _sweep_section(
    records: Sequence[CostRecord], start_s: float, taken_s: float, protocol: Protocol
) -> Section:
    done = [record for record in records if record.status == "ok"]
    count, inside_s = len(records), sum(map(seconds_of_sampling, done))
    beyond_s = (taken_s - inside_s) / count
    return Section(
        title="A sweep",
        conditions=f"{count} cells ({len(done)} ok) of 16 to 196 tokens, "
        f"warm-up {protocol.warmup_s:g} s, budget {protocol.time_budget_s:g} s, in a worker, "
        'records stored. "Beyond measuring" is all but warm-up and sampling: counting MACs, '
        "building, memory, messages, storing.",
        rows=[
            Row(
                what="start of the worker and one cell, once",
                measured=format_seconds(start_s),
                numbers={"start_s": start_s},
            ),
            Row(
                what="cells a minute, after the start",
                measured=f"{60 * count / taken_s:.0f}",
                numbers={"cells_per_minute": 60 * count / taken_s},
            ),
            Row(
                what="beyond measuring, a cell",
                measured=format_seconds(beyond_s),
                aim=f"at most {format_seconds(CELL_OVERHEAD_S)}",
                outcome=met(beyond_s <= CELL_OVERHEAD_S and len(done) == count),
                numbers={"beyond_s": beyond_s, "ok": len(done), "cells": count},
            ),
        ],
    )


def seconds_of_sampling(record: CostRecord) -> float:
    """Seconds of warm-up and samples of a cell."""
    latency = record.latency
    assert latency is not None
    return sum(latency.samples_s) + (latency.warmup_s or 0.0)
