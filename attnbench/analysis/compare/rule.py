"""The rule that judges a change of latency: slower, faster, same or cannot tell.

The verdict on a cell follows from the 95 % intervals of its ratio (after ÷ before) and of its
difference (after - before, in seconds), and from two thresholds, a relative r and an absolute a;
s is r, or the resolution floor that the records carry where that is larger:

| verdict     | ratio                            |     | difference               |
|-------------|----------------------------------|-----|--------------------------|
| slower      | all above 1 + s                  | and | all above a              |
| faster      | all below 1 / (1 + s)            | and | all below -a             |
| same        | all from 1 / (1 + r) to 1 + r    | or  | all from -a to a         |
| cannot tell | anything else: an interval reaches over a threshold, or there is none  |

The intervals are the worst case of those of the two medians, or those of the paired ratios and
differences where both sides were sampled in the same rounds. Two equal medians can be told apart
only where one of their intervals misses it: in under 10 % of cells by that bound, in under 1 % by
simulation, and that with thresholds of 0. Intervals know the noise within a session only: the
thresholds stand for what changes between two sessions (clocks, temperature, neighbours).

Where records carry a floor, it was measured what two sessions differ by: `attnbench doctor` times
the same thing again and again. A change between r and that floor could be the machine's, so it
cannot tell. `same` asks for no more than r: it says that two measurements agree, and not that no
shift of the machine has hidden a change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from attnbench.errors import UserError
from attnbench.records.latency import Interval
from attnbench.units import format_percent, format_seconds

Verdict = Literal["broken", "slower", "cannot tell", "same", "faster", "repaired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How large a change of latency must be to matter.

    The defaults are those of xformers (`rtol` and `atol_s` in xformers/benchmarks/utils.py).
    """

    relative: float = 0.05
    absolute_s: float = 30e-6

    def __post_init__(self) -> None:
        for flag, value in (("--relative", self.relative), ("--absolute", self.absolute_s)):
            if not value >= 0:
                raise UserError(f"{flag} must be at least 0, got {value:g}")


def judge(
    ratio: Interval | None, difference_s: Interval | None, thresholds: Thresholds, floor: float = 0
) -> tuple[Verdict, str]:
    """The rule itself: a verdict on two intervals, and the reason where they do not show it.

    Args:
        ratio: 95 % interval of latency after ÷ before.
        difference_s: 95 % interval of latency after - before, in seconds.
        thresholds: how large a change must be to matter.
        floor: how large it must be, as a share, for the machine to show it.
    """
    if ratio is None or difference_s is None:
        return "cannot tell", "too few samples for an interval"
    verdict, reason = _judge(ratio, difference_s, thresholds)
    if verdict not in ("slower", "faster") or floor <= thresholds.relative:
        return verdict, reason
    resolved, _ = _judge(ratio, difference_s, replace(thresholds, relative=floor))
    return (verdict, reason) if resolved == verdict else ("cannot tell", _unresolved(ratio, floor))


def _unresolved(ratio: Interval, floor: float) -> str:
    known = f"this machine's resolution floor of {format_percent(floor)} (attnbench doctor)"
    under = ratio[0] >= 1 / (1 + floor) and ratio[1] <= 1 + floor
    return f"under {known}" if under else f"the interval reaches under {known}"


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
    return "cannot tell", "the interval reaches over a threshold; more samples would narrow it"
