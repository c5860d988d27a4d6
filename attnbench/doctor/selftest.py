"""What the harness is tried on: an operator of some milliseconds, and answers that are known.

An operator compared with itself must read "same"; compared with one that does 5 % more work, the
other must read "slower". `doctor` asks this once on the machine of a user, `scripts/bench.py`
twenty times on ours.

The operator is an attention layer called 20 times, and the slower one is the same layer called 21
times: 5 % more by construction, on any device, with nothing to calibrate.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations

import torch
from torch import Tensor, nn

from attnbench.analysis.compare.verdict import Change, Thresholds, compare_cell
from attnbench.benchmark.runner import now
from attnbench.benchmark.subject import subject_of
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call, Timer, timer_for
from attnbench.profiling.machine.environment import describe_environment
from attnbench.records import Environment, LayerRecord
from attnbench.records.latency import Interval, Latency
from attnbench.spec import Grid, Protocol, Workload

REPEATS = 20
PLANTED = 1 / REPEATS
"""How much slower the slower operator is."""
HALF_WAY = Thresholds(relative=PLANTED / 2, absolute_s=0.0)
"""Between no change and the planted one, so that noise has equal room on both sides."""

LAYER = Workload(attention="dense", grid=(4, 4), impl="sdpa")
LEAST_LAYER_S = 1e-4
"""The layer's batch is doubled until it takes so long: 20 calls of it are some milliseconds."""
LARGEST_BATCH = 2**12
"""Where doubling ends, whatever the clock says."""
ONE_GLANCE = Protocol(warmup_s=0.02, min_samples=6, precision=0.1, time_budget_s=0.1)


def spin(seconds: float) -> None:
    """Keep the processor busy for so long; unlike sleep, it returns on time."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One layer on one device, ready to be called and timed."""

    workload: Workload
    call: Call
    """One call of the layer."""
    device: torch.device
    timer: Timer
    environment: Environment

    def repeated(self, times: int = REPEATS) -> Call:
        """The layer, called so many times."""

        def call() -> None:
            for _ in range(times):
                self.call()

        return call

    def measure(self, calls: Mapping[str, Call], protocol: Protocol) -> dict[str, LayerRecord]:
        """A record for each call, sampled in turn, as two cells of one comparison are."""
        latencies = measure_latencies(
            calls, protocol, self.timer, rounds_with=uuid.uuid4().hex[:12] if len(calls) > 1 else ""
        )
        return {name: self._record(latency, protocol) for name, latency in latencies.items()}

    def alone(self, protocol: Protocol) -> LayerRecord:
        """The operator by itself, as one of two runs of a user would measure it."""
        return self.measure({"operator": self.repeated()}, protocol)["operator"]

    def compare(self, times: int, protocol: Protocol) -> Change:
        """The operator, and the layer called `times` times, sampled in turn and compared."""
        calls = {"before": self.repeated(), "after": self.repeated(times)}
        records = self.measure(calls, protocol)
        return compare_cell(records["before"], records["after"], HALF_WAY)

    def _record(self, latency: Latency, protocol: Protocol) -> LayerRecord:
        return LayerRecord(
            workload=self.workload,
            environment=self.environment,
            created=now(),
            protocol=protocol,
            latency=latency,
        )


def stand_on(device: torch.device) -> Stand:
    """The layer at the least batch that takes long enough to be repeated 20 times."""
    stand = stand_for(LAYER, device)
    while _glance(stand) < LEAST_LAYER_S and stand.workload.batch < LARGEST_BATCH:
        stand = stand_for(replace(stand.workload, batch=2 * stand.workload.batch), device)
    return stand


def stand_for(workload: Workload, device: torch.device) -> Stand:
    """The layer of a workload, forward only, with everything that its record says."""
    subject = subject_of(workload)
    module = subject.build().eval().to(device)
    x = torch.randn(subject.input_shape, device=device)
    return Stand(
        workload=workload,
        call=partial(_forward, module, x, workload.grid),
        device=device,
        timer=timer_for(device),
        environment=describe_environment(device, subject.code),
    )


@torch.inference_mode()
def _forward(module: nn.Module, x: Tensor, grid: Grid) -> None:
    module(x, grid)


def _glance(stand: Stand) -> float:
    (latency,) = measure_latencies(
        {"": stand.call}, ONE_GLANCE, stand.timer, rounds_with=""
    ).values()
    return latency.median_s


def compare_same(stand: Stand, protocol: Protocol) -> Change:
    """The operator compared with itself: to be called same."""
    return stand.compare(REPEATS, protocol)


def compare_slowed(stand: Stand, protocol: Protocol) -> Change:
    """The operator compared with one that does 5 % more: to be called slower."""
    return stand.compare(REPEATS + 1, protocol)


def resolution(apart: Sequence[Latency], in_turn: Sequence[Interval]) -> float:
    """The least relative threshold under which a thing compared with itself always reads "same".

    That is the largest distance from 1, as a factor, that any bound of any interval has. It holds
    what two measurements differed by, and how well each of them was known.

    Args:
        apart: the same operator, measured by itself at different times, as two runs of a user
            are; each is compared with each, by the rule of `report.compare`.
        in_turn: intervals of the ratio where it was sampled in turn with itself.

    Returns:
        A share of the latency; 0 where nothing was compared.
    """
    ratios = [_worst_ratio(one, other) for one, other in permutations(apart, 2)]
    ratios += [max(high, 1 / low) for low, high in in_turn]
    return max(ratios, default=1.0) - 1


def _worst_ratio(one: Latency, other: Latency) -> float:
    return _bounds(one)[1] / _bounds(other)[0]


def _bounds(latency: Latency) -> Interval:
    """The interval of the median; all that was seen where there are too few samples for one."""
    return latency.interval_s or (min(latency.samples_s), max(latency.samples_s))
