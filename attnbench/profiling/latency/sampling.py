"""Latency of several calls, sampled in turn until the medians are known.

The calls of one comparison are timed in rounds, one sample of each in a round, in alternating
order. A machine that becomes slower then slows all of them alike, and hardly changes the ratios
within a round. `pace` says when they rest and stop, `observers` what is seen beside each sample.
No sample is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from typing import Protocol as TypedProtocol

from attnbench.profiling.latency.collector import Pauses, collector_off
from attnbench.profiling.latency.observers import (
    Observer,
    after_all,
    before_all,
    standard_observers,
)
from attnbench.profiling.latency.pace import Pace, StoppedBy
from attnbench.profiling.latency.timer import Call, Sample, Timer
from attnbench.profiling.latency.warming import warm_again, warm_up
from attnbench.profiling.machine.contention import Usage, contention_between, usage_now
from attnbench.records.latency import Clocks, Latency
from attnbench.spec import Protocol

Name = TypeVar("Name", bound=Hashable)

TRIES = 3
"""Calls before a sample is taken whether the machine is ready or not."""
SIGNIFICANT = 4
"""Digits of what is stored beside a sample."""


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
class Candidate(Generic[Name]):
    """One call and its samples so far."""

    name: Name
    call: Call
    timer: Timer
    prepare: Callable[[Any], object] = lambda name: None
    inspect: Callable[[Any], object] = lambda name: None
    observers: Sequence[Observer] = ()
    pauses: Pauses | None = None
    """Watches Python's collector; None if nothing is observed."""
    warmup_s: float = 0.0
    settled: bool | None = None
    samples: list[Sample] = field(default_factory=list)
    facts: list[dict[str, float]] = field(default_factory=list)
    """What was observed beside each sample."""

    def time_call(self) -> Sample:
        """One call with a fresh input, of which nothing is kept."""
        sample, _, _ = self._observe(())
        return sample

    def take_sample(self) -> None:
        """One sample, with a fresh input and whatever is observed.

        A call before which the core was lost only warms the caches again, a few times at most.
        """
        for _ in range(TRIES):
            sample, facts, was_ready = self._observe(self.observers)
            if was_ready:
                break
        self.samples.append(sample)
        self.facts.append(facts)

    def count_objects(self) -> None:
        """Count what calls leave to Python's collector; it strikes those that leave something."""
        if self.pauses is None:
            return
        try:
            self.pauses.count(self.call)
            self.call = self.pauses.exposed(self.call)
        except Exception as error:
            raise CallFailedError(self.name, error) from error

    def latency(self, **more: Any) -> Latency:
        """The samples so far; `more` are fields of the latency."""
        columns: dict[str, Any] = {
            name: self._column(name) for name in (self.facts[0] if self.facts else ())
        }
        if not any(columns.get("pauses_s", ())):
            columns["pauses_s"] = ()
        return Latency(
            samples_s=tuple(sample.work_s for sample in self.samples),
            host_samples_s=tuple(s.host_s for s in self.samples if s.host_s is not None),
            left_objects=self.pauses.left_objects if self.pauses else 0,
            **columns,
            **more,
        )

    def _observe(self, observers: Sequence[Observer]) -> tuple[Sample, dict[str, float], bool]:
        """One call, what was seen, and whether the machine was ready when the call began."""
        try:
            self.prepare(self.name)
            self.timer.prepare()
            was_ready = before_all(observers)
            sample = self.timer.time_call(self.call)
            facts = after_all(observers)
            self.inspect(self.name)
            return sample, facts, was_ready
        except Exception as error:
            raise CallFailedError(self.name, error) from error

    def _column(self, name: str) -> tuple[Any, ...]:
        """One fact of all samples, no more exact than it can be."""
        return tuple(_rounded(facts[name]) for facts in self.facts)


def measure_latencies(
    calls: Mapping[Name, Call],
    protocol: Protocol,
    timer: Timer,
    *,
    rounds_with: str,
    prepare: Callable[[Name], object] = lambda name: None,
    inspect: Callable[[Name], object] = lambda name: None,
    on_round: Callable[[int], None] = lambda done: None,
    on_waiting: Callable[[], None] = lambda: None,
    watch: Watch | None = None,
    observers: Sequence[Observer] | None = None,
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
        on_waiting: called instead once the budget is spent and sampling goes on for better samples.
        watch: observes the machine between rounds.
        observers: observe each sample, the outermost first; the standard ones unless given.

    Raises:
        CallFailedError: a call raised; the samples of all are lost.
    """
    candidates = [Candidate(name, call, timer, prepare, inspect) for name, call in calls.items()]
    watching = _observe(candidates, observers)
    pace = Pace(protocol=protocol, candidates=len(candidates), now=timer.now)
    with collector_off():
        for candidate in candidates:
            warm_up(candidate, protocol, lambda: on_round(0))
            candidate.count_objects()
        before = usage_now()
        with _watched(watch, watching) as look:
            stopped_by = _sample(candidates, pace, _Hooks(on_round, on_waiting, look), before)
    common = {
        "span_s": float(f"{pace.span_s():.{SIGNIFICANT}g}"),
        "stopped_by": stopped_by,
        "rounds_with": rounds_with,
        "contention": contention_between(before, usage_now()),
        "cache": timer.cache,
        "waited_s": pace.waited_s(),
        "clocks": watch.finish() if watch else None,
    }
    return {
        candidate.name: candidate.latency(
            **common, warmup_s=candidate.warmup_s, settled=candidate.settled
        )
        for candidate in candidates
    }


def _observe(
    candidates: Sequence[Candidate[Name]], observers: Sequence[Observer] | None
) -> list[Observer]:
    """Give each candidate its observers: those of all, and one of its own by standard."""
    shared = standard_observers() if observers is None else observers
    watching = [*shared]
    for candidate in candidates:
        candidate.observers = shared
        if observers is None:
            candidate.pauses = Pauses()
            candidate.observers = (*shared, candidate.pauses)
            watching.append(candidate.pauses)
    return watching


@dataclass(slots=True, frozen=True)
class _Hooks:
    """What is called between samples."""

    on_round: Callable[[int], None]
    on_waiting: Callable[[], None]
    look: Callable[[], None]

    def tell(self, pace: Pace) -> None:
        """A call was timed."""
        if pace.waiting_since_s is None:
            self.on_round(pace.rounds)
        else:
            self.on_waiting()


@contextmanager
def _watched(watch: Watch | None, observers: Sequence[Observer]) -> Iterator[Callable[[], None]]:
    """Start all that observes, and stop it whatever happens; gives what to call between rounds."""
    for observer in observers:
        observer.start()
    try:
        if watch:
            watch.start()
        yield watch.look if watch else lambda: None
    finally:
        for observer in observers:
            observer.stop()


def _sample(
    candidates: list[Candidate[Name]], pace: Pace, hooks: _Hooks, before: Usage | None
) -> StoppedBy:
    """Take samples in turn until all medians are precise, or until time is up."""

    def latencies() -> list[Latency]:
        common = {
            "contention": contention_between(before, usage_now()),
            "stopped_by": "time_budget",
            "span_s": pace.span_s(),
        }
        return [candidate.latency(**common) for candidate in candidates]

    pace.begin()
    while True:
        for candidate in candidates if pace.rounds % 2 == 0 else reversed(candidates):
            candidate.take_sample()
            hooks.tell(pace)
        pace.rounds += 1
        hooks.look()
        if stopped_by := pace.stop(latencies):
            return stopped_by
        if rest_s := pace.rest_s():
            candidates[0].timer.rest(rest_s, candidates[0].call)
            warm_again(candidates)
            pace.begin_block()


def _rounded(value: float) -> float:
    """The value with the digits that are stored; numbers of events stay whole."""
    return value if isinstance(value, int) else float(f"{value:.{SIGNIFICANT}g}")
