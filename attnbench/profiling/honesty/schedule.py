"""Which calls are verified: some at random, which the module cannot foresee."""

from __future__ import annotations

from random import SystemRandom

AT_LEAST = 3
"""Calls that are verified in the first rounds, if there are so many rounds."""
SHARE = 0.01
"""Share of the time of all calls that further verifications may take."""


class Schedule:
    """Draws lots before each call.

    A few rounds out of those that every cell has are drawn beforehand. Besides, each call has a
    chance that holds the expected time of verification to a share of the calls' time.
    """

    def __init__(self, rounds: int) -> None:
        """`rounds` is the number of rounds that the cell has unless its time is over before."""
        self._random = SystemRandom()
        some = min(AT_LEAST, max(rounds - 1, 1))
        self._drawn = set(self._random.sample(range(1, max(rounds, 2)), some))
        self._call_s = 0.0
        self._calls = 0
        self._verification_s = 0.0
        self._verified = 0

    def draw(self, rounds_done: int) -> bool:
        """Whether the next call is verified."""
        if rounds_done in self._drawn:
            self._drawn.remove(rounds_done)
            return True
        return self._random.random() < self._chance()

    def called(self, seconds: float) -> None:
        """A call took so long."""
        self._calls += 1
        self._call_s += seconds

    def verified(self, seconds: float) -> None:
        """Verifying a call took so long."""
        self._verified += 1
        self._verification_s += seconds

    def _chance(self) -> float:
        if not self._verified or not self._calls or not self._verification_s:
            return 0.0
        call_s = self._call_s / self._calls
        return SHARE * call_s / (self._verification_s / self._verified)
