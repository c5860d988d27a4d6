"""Latency of several calls, sampled in turn until the medians are known.

The calls of one comparison are timed in rounds, one sample of each in a round, in alternating
order. A machine that becomes slower then slows all of them alike, and hardly changes the ratios
within a round. No sample is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Generic, Literal, TypeVar
from typing import Protocol as TypedProtocol

from attnbench.profiling.latency.timer import Call, Sample, Timer
from attnbench.profiling.machine.contention import contention_between, usage_now
from attnbench.records.latency import Clocks, Latency
from attnbench.records.median import median_interval
from attnbench.spec import Protocol

Name = TypeVar("Name", bound=Hashable)
StoppedBy = Literal["precision", "time_budget"]

RECHECK_EVERY = 1.1
"""The stop rule sorts all samples, so it runs each time their number has grown by a tenth."""
STEADY = 0.05
"""Calls are steady if the medians of the last two quarters of a warm-up differ by at most this
share."""
LONGEST_WARMUP = 5
"""A warm-up whose calls do not become steady ends after this many times `Protocol.warmup_s`."""


class CallFailedError(Exception):
    """A call raised while it was timed; has its name and the error."""

    def __init__(self, name: Hashable, error: Exception) -> None:
        super().__init__(f"{name}: {error}")
        self.name: Any = name
        self.error = error


class Watch(TypedProtocol):
    """Observes the machine while samples are taken."""

    def start(self) -> None:
        """Sampling begins."""
        ...

    def look(self) -> None:
        """Between two rounds."""
        ...

    def finish(self) -> Clocks | None:
        """What was seen since `start`."""
        ...


@dataclass(slots=True)
class _Candidate(Generic[Name]):
    """One call and its samples so far."""

    name: Name
    call: Call
    prepare: Callable[[Any], object]
    inspect: Callable[[Any], object]
    timer: Timer
    warmup_s: float = 0.0
    settled: bool | None = None
    samples: list[Sample] = field(default_factory=list)

    def time_call(self) -> Sample:
        """One sample, with a fresh input."""
        try:
            self.prepare(self.name)
            sample = self.timer.time_call(self.call)
            self.inspect(self.name)
            return sample
        except Exception as error:
            raise CallFailedError(self.name, error) from error

    def works_s(self) -> list[float]:
        return [sample.work_s for sample in self.samples]


def measure_latencies(
    calls: Mapping[Name, Call],
    protocol: Protocol,
    timer: Timer,
    *,
    rounds_with: str,
    prepare: Callable[[Name], object] = lambda name: None,
    inspect: Callable[[Name], object] = lambda name: None,
    on_round: Callable[[int], None] = lambda done: None,
    watch: Watch | None = None,
) -> dict[Name, Latency]:
    """Seconds per call for each named call.

    Args:
        calls: what to time, by name.
        protocol: warm-up, precision, and the budget of each call.
        timer: the clock.
        rounds_with: token that marks these latencies as measured in turn.
        prepare: called with a name before each call of it, outside the timed span.
        inspect: called with a name after each call of it, outside the timed span; what it raises
            fails the call.
        on_round: called with the number of finished rounds after each call, for a progress display.
        watch: observes the machine between rounds.

    Raises:
        CallFailedError: a call raised; the samples of all are lost.
    """
    candidates = [_Candidate(name, call, prepare, inspect, timer) for name, call in calls.items()]
    for candidate in candidates:
        _warm_up(candidate, protocol, lambda: on_round(0))
    before = usage_now()
    if watch:
        watch.start()
    look = watch.look if watch else lambda: None
    stopped_by = _sample(candidates, protocol, timer, on_round, look)
    contention = contention_between(before, usage_now())
    clocks = watch.finish() if watch else None
    return {
        candidate.name: Latency(
            samples_s=tuple(candidate.works_s()),
            host_samples_s=tuple(s.host_s for s in candidate.samples if s.host_s is not None),
            stopped_by=stopped_by,
            rounds_with=rounds_with,
            contention=contention,
            cache=timer.cache,
            warmup_s=candidate.warmup_s,
            settled=candidate.settled,
            clocks=clocks,
        )
        for candidate in candidates
    }


def _sample(
    candidates: list[_Candidate[Name]],
    protocol: Protocol,
    timer: Timer,
    on_round: Callable[[int], None],
    look: Callable[[], None],
) -> StoppedBy:
    """Take samples in turn until all medians are precise or the sum of the budgets is spent."""
    budget_s = protocol.time_budget_s * len(candidates)
    start, rounds, next_check = timer.now(), 0, protocol.min_samples
    while True:
        for candidate in candidates if rounds % 2 == 0 else reversed(candidates):
            candidate.samples.append(candidate.time_call())
            on_round(rounds)
        rounds += 1
        look()
        if rounds >= next_check:
            next_check = int(rounds * RECHECK_EVERY) + 1
            if all(_is_precise(c.works_s(), protocol.precision) for c in candidates):
                return "precision"
        if timer.now() - start >= budget_s:
            return "time_budget"


def _warm_up(candidate: _Candidate[Name], protocol: Protocol, on_call: Callable[[], None]) -> None:
    """Call until the warm-up time is over and the calls are steady.

    At least twice, as the first call may compile, allocate or page in.
    """
    timer, start = candidate.timer, candidate.timer.now()
    taken: list[float] = []
    next_check, steady = 2, None
    while True:
        taken.append(candidate.time_call().work_s)
        on_call()
        candidate.warmup_s = timer.now() - start
        if len(taken) < next_check or candidate.warmup_s < protocol.warmup_s:
            continue
        next_check = int(len(taken) * RECHECK_EVERY) + 1
        steady = _is_steady(taken)
        if steady or candidate.warmup_s >= LONGEST_WARMUP * protocol.warmup_s:
            break
    candidate.settled = steady


def _is_steady(taken: list[float]) -> bool | None:
    """Whether the last two quarters agree; None if they are too short to say."""
    quarter = len(taken) // 4
    if quarter < 3:
        return None
    last, before = median(taken[-quarter:]), median(taken[-2 * quarter : -quarter])
    return abs(last - before) <= STEADY * before


def _is_precise(samples: list[float], precision: float) -> bool:
    interval = median_interval(samples)
    if interval is None:
        return False
    low, high = interval
    return high - low <= precision * sorted(samples)[len(samples) // 2]
