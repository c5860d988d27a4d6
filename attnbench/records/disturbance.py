"""Which samples were disturbed by other programs, from what was observed beside each of them.

A sample is disturbed if a thread of this process was ready to run and had to wait for a core, if
the sample before it had to and left it cold caches, or if known work (the canary) right before or
after it was slower than it usually is. Where the kernel
does not tell who waited, a sample is disturbed that lost its core and used less of the processor
than the call usually does. A call that sleeps of its own accord does not wait in this sense.

The thresholds are chosen by `scripts/bench_estimators.py`; docs/measuring.md has its table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from statistics import median

from attnbench.records.numbers import Amount, Some

ENOUGH = 10
"""With this many undisturbed samples, or half of all, statistics leave the disturbed ones out."""
LONG_WAIT = 0.02
"""A wait for a core of this share of the sample, beyond what its threads always wait."""
WAKING_S, WAKING = 1e-4, 0.05
"""A thread that sleeps between parallel regions waits some microseconds for a core each time it is
woken. That is at most this long in a sample, or this share of it; another program's turn is longer.
"""
SPREAD = 1.5
"""Threads wait up to this many times what they usually wait for each other."""
COLD_FOR_S = 0.01
"""The sample after such a wait is disturbed too if it is shorter than this: it finds the caches
full of what the other program used."""
SLOW_CANARY = 2.0
"""Known work that takes this many times what it takes when the machine is quiet. A lower factor
picks the moments in which a quiet machine happens to be fast: at 1.25, a third of the samples of a
short call were left out, and its median fell by 2 %."""
LOST_CORES = 0.9
"""Less than this share of the cores that the call usually keeps busy."""
CROWDED = 0.75
"""Share of the machine's cores; where others use more, samples that did not wait are slow too."""
OWN_QUEUE = 3.0
"""Threads that wait this many times longer than others computed wait for each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """Processor cores in use during sampling: by us, by others, by the hypervisor."""

    own_cores: Amount
    other_cores: Amount
    stolen_cores: Amount
    machine_cores: Some | None = None
    """Cores of the machine; None in older records."""

    @property
    def leaves_no_room(self) -> bool:
        """Whether others used nearly the whole machine: caches and memory are then theirs too."""
        return self.machine_cores is not None and self.not_ours > CROWDED * self.machine_cores

    @property
    def not_ours(self) -> float:
        """Cores that others used, the hypervisor included."""
        return self.other_cores + self.stolen_cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed beside samples, in their order; a column that is not known is empty."""

    samples_s: Sequence[float]
    waits_s: Sequence[float] = ()
    cpu_samples_s: Sequence[float] = ()
    switches: Sequence[int] = ()
    canary_s: Sequence[float] = ()
    contention: Contention | None = None

    def undisturbed(self) -> tuple[int, ...]:
        """Indices of the samples that nobody disturbed, as far as is known."""
        waited = self._waited() if self.waits_s else self._lost_cores()
        slowed = self._slowed()
        return tuple(
            index
            for index, (wait, slow) in enumerate(zip(waited, slowed, strict=False))
            if index < len(self.samples_s) and not wait and not slow
        )

    def _waited(self) -> list[bool]:
        """Samples whose threads waited for a core longer than they do for each other."""
        own_s, own_share = self._own_waits()
        left_alone = self._queue_is_own()
        waited = [
            wait > SPREAD * own_s + (LONG_WAIT + SPREAD * own_share) * sample
            for wait, sample in zip(self.waits_s, self.samples_s, strict=True)
        ]
        cold = [
            before and sample < COLD_FOR_S and not left_alone
            for before, sample in zip([False, *waited], self.samples_s, strict=False)
        ]
        return [one or other for one, other in zip(waited, cold, strict=True)]

    def _own_waits(self) -> tuple[float, float]:
        """How long threads wait for each other in a sample: seconds, and a share of it."""
        if self._queue_is_own():
            shares = [w / s for w, s in zip(self.waits_s, self.samples_s, strict=True)]
            with_cores = sum(share <= LONG_WAIT for share in shares)
            # Threads that are woken on one core wait for each other in some samples. The others
            # show what the call takes, with or without load.
            needs_more_cores = with_cores < max(ENOUGH, len(shares) / 10)
            return 0.0, median(shares) if needs_more_cores else 0.0
        waking_s = sorted(self.waits_s)[len(self.waits_s) // 10]
        is_waking = waking_s <= max(WAKING_S, WAKING * median(self.samples_s))
        return (waking_s if is_waking else 0.0), 0.0

    def _queue_is_own(self) -> bool:
        """Whether nobody else computed enough to explain the waits.

        A call with more threads than cores waits for itself; so does a short one whose threads are
        woken on one core.
        """
        waiting_cores = sum(self.waits_s) / sum(self.samples_s)
        others = self.contention.not_ours if self.contention else 0.0
        return waiting_cores > OWN_QUEUE * others

    def _lost_cores(self) -> Sequence[bool] | repeat[bool]:
        """Samples that used less of the processor than usual, though they did not ask to sleep."""
        if not self.cpu_samples_s:
            return repeat(False)
        cores = [cpu / s for cpu, s in zip(self.cpu_samples_s, self.samples_s, strict=True)]
        usual = sorted(cores)[3 * len(cores) // 4]
        switched = self.switches or repeat(1)
        return [
            core < LOST_CORES * usual and switches > 0
            for core, switches in zip(cores, switched, strict=False)
        ]

    def _slowed(self) -> Sequence[bool] | repeat[bool]:
        """Samples beside a canary that was slower than the quickest tenth of them."""
        if not self.canary_s:
            return repeat(False)
        quiet_s = sorted(self.canary_s)[len(self.canary_s) // 10]
        return [seconds > SLOW_CANARY * quiet_s for seconds in self.canary_s]


def are_enough(undisturbed: int, of: int) -> bool:
    """Whether so many undisturbed samples can stand for the call."""
    return undisturbed >= min(ENOUGH, of / 2)
