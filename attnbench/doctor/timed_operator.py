"""The operator that the harness is tried on: an attention layer, called 20 times.

One call of the operator takes some milliseconds. A slower operator is the same layer called 21
times: 5 % more by construction, on any device, with nothing to calibrate.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from attnbench.benchmark.subject import subject_of
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call, Timer, timer_for
from attnbench.profiling.machine.environment import describe_environment
from attnbench.records import Environment, LayerRecord, now
from attnbench.records.latency import Latency
from attnbench.spec import Grid, Protocol, Workload

REPEATS = 20
"""Calls of the layer in one call of the operator."""
LAYER = Workload(attention="dense", grid=(4, 4), impl="sdpa")
LEAST_LAYER_S = 1e-4
"""The layer's batch is doubled until it takes this long: 20 calls of it are some milliseconds."""
LARGEST_BATCH = 2**12
"""Where doubling ends, whatever the clock says."""
ONE_GLANCE = Protocol(warmup_s=0.02, min_samples=6, precision=0.1, time_budget_s=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOperator:
    """One layer on one device, ready to be called and timed."""

    workload: Workload
    call: Call
    """One call of the layer."""
    device: torch.device
    timer: Timer
    environment: Environment

    def repeated(self, times: int = REPEATS) -> Call:
        """The layer, called this many times."""

        def call() -> None:
            for _ in range(times):
                self.call()

        return call

    def measure(self, calls: Mapping[str, Call], protocol: Protocol) -> dict[str, LayerRecord]:
        """A record for each call, sampled in turn as the cells of a comparison are."""
        latencies = measure_latencies(
            calls, protocol, self.timer, rounds_with=uuid.uuid4().hex[:12] if len(calls) > 1 else ""
        )
        return {name: self._record(latency, protocol) for name, latency in latencies.items()}

    def measure_alone(self, protocol: Protocol) -> LayerRecord:
        """The operator by itself, as one run of a user would measure it."""
        return self.measure({"operator": self.repeated()}, protocol)["operator"]

    def _record(self, latency: Latency, protocol: Protocol) -> LayerRecord:
        return LayerRecord(
            workload=self.workload,
            environment=self.environment,
            created=now(),
            protocol=protocol,
            latency=latency,
        )


def choose_operator(device: torch.device) -> TimedOperator:
    """The layer at the least batch that takes long enough to be repeated 20 times."""
    operator = operator_of(LAYER, device)
    while _glance(operator) < LEAST_LAYER_S and operator.workload.batch < LARGEST_BATCH:
        larger = replace(operator.workload, batch=2 * operator.workload.batch)
        operator = operator_of(larger, device)
    return operator


def operator_of(workload: Workload, device: torch.device) -> TimedOperator:
    """The layer of a workload, forward only."""
    subject = subject_of(workload)
    module = subject.build().eval().to(device)
    x = torch.randn(subject.input_shape, device=device)
    return TimedOperator(
        workload=workload,
        call=partial(_forward, module, x, workload.grid),
        device=device,
        timer=timer_for(device),
        environment=describe_environment(device, subject.code),
    )


@torch.inference_mode()
def _forward(module: nn.Module, x: Tensor, grid: Grid) -> None:
    module(x, grid)


def _glance(operator: TimedOperator) -> float:
    """About how many seconds the layer takes."""
    (latency,) = measure_latencies(
        {"": operator.call}, ONE_GLANCE, operator.timer, rounds_with=""
    ).values()
    return latency.median_s
