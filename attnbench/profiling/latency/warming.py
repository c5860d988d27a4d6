"""Calls that are not timed: until a cell is steady, and after each rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from attnbench.profiling.latency.pace import RECHECK_EVERY
from attnbench.spec import Protocol

if TYPE_CHECKING:
    from attnbench.profiling.latency.sampling import Candidate

REWARM_ROUNDS = 2
REWARM_S = (3e-4, 3e-3)
"""After a rest, caches are cold. The first call of a millisecond was measured to take 45 % longer,
the second 8 %, the third nothing. So rounds are not timed until there were two and the first time
is over, or the second."""
STEADY = 0.05
"""Calls are steady if the medians of the last two quarters of a warm-up differ by at most this
share."""
LONGEST_WARMUP = 5
"""A warm-up whose calls do not become steady ends after this many times `Protocol.warmup_s`."""


def warm_up(candidate: Candidate[Any], protocol: Protocol, on_call: Callable[[], None]) -> None:
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


def warm_again(candidates: Sequence[Candidate[Any]]) -> None:
    """Call each a few times after a rest, which has left the caches to others."""
    now = candidates[0].timer.now
    start, rounds, (least_s, enough_s) = now(), 0, REWARM_S
    while True:
        for candidate in candidates:
            candidate.time_call()
        rounds, taken_s = rounds + 1, now() - start
        if taken_s >= enough_s or (rounds >= REWARM_ROUNDS and taken_s >= least_s):
            return
