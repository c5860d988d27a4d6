"""When samples are taken: in blocks apart in time, until the medians are known, or time is up.

Samples in a row are alike: they share whatever the machine does at that moment. So a few are taken
in a block, and blocks follow each other with a rest between them, for half a second at least. The
rest has a second use where cores are shared: the system lets a process that has slept go first,
and samples that fit into its turn are undisturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from attnbench.records.latency import Latency
from attnbench.records.median import LEAST_SPAN_S
from attnbench.spec import Protocol

StoppedBy = Literal["precision", "time_budget"]

BLOCK_ROUNDS = 10
"""Rounds in a row at most; more of them would say hardly more."""
LONGEST_BLOCK_S = 0.015
"""A block ends after this time, about two turns of a scheduler that shares a core."""
BLOCK_EVERY_S = 0.03
"""A block begins this long after the one before: some hundred samples in half a second of a short
call, and time for whoever competes to use up its turn."""
LONGEST_WAIT = 3
"""Sampling goes on for up to this many times the budget where too few samples are undisturbed, or
where they are too alike for an interval."""
RECHECK_EVERY = 1.1
"""The stop rule sorts all samples, so it runs each time their number has grown by a tenth."""


@dataclass(kw_only=True)
class Pace:
    """The clock of one comparison: says when to rest and when to stop."""

    protocol: Protocol
    candidates: int
    now: Callable[[], float]
    begun_s: float = 0.0
    rounds: int = 0
    next_check: int = 0
    waiting_since_s: float | None = None
    """When the budget ended and too few samples were undisturbed."""
    _block: tuple[int, float] = field(default=(0, 0.0))
    """Round and time with which the block began."""

    def begin(self) -> None:
        """Sampling begins at this moment."""
        self.begun_s = self.now()
        self.next_check = self.protocol.min_samples
        self.begin_block()

    def begin_block(self) -> None:
        """A block begins at this moment."""
        self._block = self.rounds, self.now()

    @property
    def budget_s(self) -> float:
        """Seconds of all candidates together."""
        return self.protocol.time_budget_s * self.candidates

    def rest_s(self) -> float | None:
        """Seconds to rest before the next round; None within a block, and where it was long."""
        first, begun_s = self._block
        taken_s = self.now() - begun_s
        if self.rounds - first < BLOCK_ROUNDS and taken_s < LONGEST_BLOCK_S:
            return None
        if taken_s >= BLOCK_EVERY_S:
            self.begin_block()
            return None
        return BLOCK_EVERY_S - taken_s

    def stop(self, latencies: Callable[[], Sequence[Latency]]) -> StoppedBy | None:
        """Why sampling ends after this round; None if it goes on.

        Args:
            latencies: what was sampled so far; asked for only when there is something to decide.
        """
        spent_s = self.now() - self.begun_s
        if not self._is_time_to_look(spent_s):
            return None
        self.next_check = max(self.next_check, int(self.rounds * RECHECK_EVERY) + 1)
        found = latencies()
        if all(_is_precise(latency, self.protocol) for latency in found):
            return "precision"
        if spent_s < self.budget_s:
            return None
        if spent_s >= LONGEST_WAIT * self.budget_s or not any(map(self._lacks_samples, found)):
            return "time_budget"
        self.waiting_since_s = self.waiting_since_s or self.now()
        return None

    def _is_time_to_look(self, spent_s: float) -> bool:
        """Whether enough was sampled since the last look, or a limit has been reached."""
        least_s = min(LEAST_SPAN_S, self.budget_s)
        if self.rounds >= self.next_check and spent_s >= least_s:
            return True
        limit = 1 if self.waiting_since_s is None else LONGEST_WAIT
        return spent_s >= limit * self.budget_s

    def span_s(self) -> float:
        """Seconds since sampling began."""
        return self.now() - self.begun_s

    def waited_s(self) -> float | None:
        """Seconds beyond the budget; None if there was no need of them."""
        return None if self.waiting_since_s is None else self.now() - self.waiting_since_s

    def _lacks_samples(self, latency: Latency) -> bool:
        """Whether fewer are undisturbed than were asked for, or all together give no interval.

        A budget below the least span asks for no interval.
        """
        count = len(latency.undisturbed)
        few = count < min(self.protocol.min_samples, len(latency.samples_s) / 2)
        return few or (latency.interval_s is None and self.budget_s >= LEAST_SPAN_S)


def _is_precise(latency: Latency, protocol: Protocol) -> bool:
    """Whether there are enough undisturbed samples, and their interval is narrow enough."""
    interval = latency.interval_s
    if interval is None or latency.is_disturbed or len(latency.used) < protocol.min_samples:
        return False
    low, high = interval
    return high - low <= protocol.precision * latency.median_s
