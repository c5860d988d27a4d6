"""The rule that judges a change of latency: slower, faster, same or cannot tell.

The verdict on a cell follows from the 95 % intervals of its ratio (after ÷ before) and of its
difference (after - before, in seconds), and from two thresholds, relative (r) and absolute (a).
s is the larger of r and the resolution floor:

| verdict     | ratio                            |     | difference               |
|-------------|----------------------------------|-----|--------------------------|
| slower      | all above 1 + s                  | and | all above a              |
| faster      | all below 1 / (1 + s)            | and | all below -a             |
| same        | all from 1 / (1 + r) to 1 + r    | or  | all from -a to a         |
| cannot tell | anything else: an interval crosses a threshold, or there is none; or a     |
|             | latency on either side is not good enough to conclude from (graded C)      |

**Intervals.** If both sides were sampled in the same rounds, that of the ratio is the interval of
the paired ratios, and that of the difference follows from it at the median before. Otherwise they
combine the intervals of the two medians, worst case.

**False alarms.** If the true medians are equal, slower or faster is possible only where at least
one of the two intervals misses the true median. With thresholds of 0 that bounds false alarms at
10 % of cells; in simulations they stay under 1 %.

**Thresholds.** Intervals cover the noise within one session only. The thresholds allow for changes
between sessions: clocks, temperature, other programs.

**Floor.** `attnbench doctor` times the same call repeatedly to measure how much sessions differ;
records carry that resolution floor. The machine alone may cause a change between r and the floor,
so such a change gets "cannot tell". `same` needs only r: it says that two measurements agree, not
that the machine has hidden no change.

**No floor known.** Where neither record carries a floor and the two were not sampled in the same
rounds, s is at least 0.5: only a change by more than a factor of 1.5 is slower or faster. That
bound is from our published records (`results/measured`): of 302 pairs of records of one cell under
the same conditions, of all grades, the medians of two sessions on shared machines differ by up to
1.36 times in 90 % of pairs and by up to 1.54 times in 95 %; of the five pairs that are graded A or
B on both sides, by up to 1.07 times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from attnbench.records.median import Interval
from attnbench.spec.validation import within
from attnbench.units import format_percent, format_ratio, format_seconds

Verdict = Literal["broken", "slower", "cannot tell", "same", "faster", "repaired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The smallest change of latency that matters.

    The defaults are those of xformers (`rtol` and `atol_s` in xformers/benchmarks/utils.py).
    """

    relative: float = 0.05
    absolute_s: float = 30e-6

    def __post_init__(self) -> None:
        within(relative=self.relative, absolute=self.absolute_s)


NO_FLOOR = 0.5
"""Stands in for the resolution floor, as a share, where it is not known."""


def judge(
    ratio: Interval | None,
    difference_s: Interval | None,
    thresholds: Thresholds,
    floor: float | None = 0,
) -> tuple[Verdict, str]:
    """The verdict on two intervals, and a reason where the intervals do not make it obvious.

    Args:
        ratio: 95 % interval of latency after ÷ before.
        difference_s: 95 % interval of latency after - before, in seconds.
        thresholds: the smallest change that matters.
        floor: the smallest change that the machine can resolve, as a share; None if unknown.
    """
    if ratio is None or difference_s is None:
        return "cannot tell", "no interval can be given for the change"
    verdict, reason = _judge(ratio, difference_s, thresholds)
    least = NO_FLOOR if floor is None else floor
    if verdict not in ("slower", "faster") or least <= thresholds.relative:
        return verdict, reason
    resolved, _ = _judge(ratio, difference_s, replace(thresholds, relative=least))
    return (verdict, reason) if resolved == verdict else ("cannot tell", _unresolved(ratio, floor))


def _unresolved(ratio: Interval, floor: float | None) -> str:
    if floor is None:
        bound = format_ratio(1 + NO_FLOOR)
        return f"no floor known, and not surely beyond {bound}; run `attnbench doctor`"
    known = f"this machine's resolution floor of {format_percent(floor)} (attnbench doctor)"
    under = ratio[0] >= 1 / (1 + floor) and ratio[1] <= 1 + floor
    return f"below {known}" if under else f"the interval extends below {known}"


def _judge(ratio: Interval, difference_s: Interval, thresholds: Thresholds) -> tuple[Verdict, str]:
    factor, absolute_s = 1 + thresholds.relative, thresholds.absolute_s
    if ratio[0] > factor and difference_s[0] > absolute_s:
        return "slower", ""
    if ratio[1] < 1 / factor and difference_s[1] < -absolute_s:
        return "faster", ""
    if ratio[0] >= 1 / factor and ratio[1] <= factor:
        return "same", ""
    if difference_s[0] >= -absolute_s and difference_s[1] <= absolute_s:
        return "same", f"the change is within {format_seconds(absolute_s)}"
    return "cannot tell", "the interval crosses a threshold; more samples would narrow it"
