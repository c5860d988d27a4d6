"""Two results, before and after: what became faster or slower, and what cannot be told.

The verdict on a cell follows from the 95 % intervals of its ratio (after ÷ before) and of its
difference (after - before, in seconds), and from two thresholds, a relative r and an absolute a;
s is r, or the resolution floor that the records carry where that is larger:

| verdict     | ratio                            |     | difference               |
|-------------|----------------------------------|-----|--------------------------|
| slower      | all above 1 + s                  | and | all above a              |
| faster      | all below 1 / (1 + s)            | and | all below -a             |
| same        | all from 1 / (1 + r) to 1 + r    | or  | all from -a to a         |
| cannot tell | anything else: an interval reaches over a threshold, or there is none  |

| before   | after    | verdict                                                              |
|----------|----------|----------------------------------------------------------------------|
| ok       | not ok   | broken                                                               |
| not ok   | ok       | repaired                                                             |
| not ok   | not ok   | cannot tell: there is no time on either side, whatever the reasons   |

No two rows hold at once, and swapping the sides swaps faster with slower, broken with repaired.

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

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from attnbench.analysis.compare.pairs import Side, pair
from attnbench.errors import UserError
from attnbench.records import CostRecord, Memory
from attnbench.records.latency import Interval, Latency, Ratio, median_interval, speed_up
from attnbench.units import format_percent, format_seconds

Verdict = Literal["broken", "slower", "cannot tell", "same", "faster", "repaired"]
WORST_FIRST: tuple[Verdict, ...] = (
    "broken", "slower", "cannot tell", "same", "faster", "repaired",
)  # fmt: skip
MemoryVerdict = Literal["more", "less", "same", "cannot tell"]
CountVerdict = Literal["equal", "changed", "cannot tell"]

MEMORY_RELATIVE = 0.01
MEMORY_ABSOLUTE_BYTES = 64 * 2**10
"""Peaks are counted, not sampled: a change within either is the allocator's rounding."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one cell."""

    before: CostRecord
    after: CostRecord
    verdict: Verdict
    """On latency and status."""
    reason: str = ""
    """Why, where the numbers alone do not show it."""
    ratio: Ratio | None = None
    """Latency after ÷ before."""
    difference_s: Interval | None = None
    """95 % interval of latency after - before."""
    floor: float | None = None
    """Relative resolution floor: the larger one of both records; None where neither has one."""
    memory: MemoryVerdict
    macs: CountVerdict
    params: CountVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Every cell of both sides, the worst change first."""

    before: str
    after: str
    thresholds: Thresholds
    changes: tuple[Change, ...]
    only_before: tuple[CostRecord, ...]
    only_after: tuple[CostRecord, ...]
    overtaken: int
    """Older records of the same cells, left out."""

    @property
    def counts(self) -> dict[str, int]:
        """Cells by verdict, by change of memory (more, less) and of counts (changed), and alone."""
        verdicts = Counter(change.verdict for change in self.changes)
        memory = Counter(change.memory for change in self.changes)
        return {
            **{verdict: verdicts[verdict] for verdict in WORST_FIRST},
            "more": memory["more"],
            "less": memory["less"],
            "changed": sum("changed" in (change.macs, change.params) for change in self.changes),
            "missing": len(self.only_before),
            "new": len(self.only_after),
        }


def compare(
    before: Side,
    after: Side,
    thresholds: Thresholds | None = None,
    *,
    across_environments: bool = False,
) -> Comparison:
    """Compare the newest records of all cells.

    Raises:
        UserError: nothing can be compared (see `pairs.pair`).
    """
    thresholds = thresholds or Thresholds()
    pairs = pair(before, after, across_environments=across_environments)
    changes = [compare_cell(old, new, thresholds) for old, new in pairs.both]
    return Comparison(
        before=before.name,
        after=after.name,
        thresholds=thresholds,
        changes=tuple(sorted(changes, key=_badness)),
        only_before=pairs.only_before,
        only_after=pairs.only_after,
        overtaken=pairs.overtaken,
    )


def _badness(change: Change) -> tuple[int, float]:
    """Sorts the worst first: by verdict, then by how much slower."""
    return WORST_FIRST.index(change.verdict), -change.ratio.value if change.ratio else 0.0


def compare_cell(before: CostRecord, after: CostRecord, thresholds: Thresholds) -> Change:
    """The change of one cell, by the rule of this module."""
    ratio, difference_s, floor = None, None, floor_of(before, after)
    if before.status != "ok" or after.status != "ok":
        verdict, reason = _status_verdict(before, after)
    elif before.latency is None or after.latency is None:
        verdict, reason = "cannot tell", "no latency was recorded on one side"
    else:
        ratio, difference_s = _latency_change(before.latency, after.latency)
        verdict, reason = judge(ratio.interval, difference_s, thresholds, floor or 0.0)
    return Change(
        before=before, after=after, verdict=verdict, reason=reason, ratio=ratio,
        difference_s=difference_s, floor=floor, memory=compare_memory(before.memory, after.memory),
        macs=_compare_counts(products_of(before), products_of(after)),
        params=_compare_counts(before.params, after.params),
    )  # fmt: skip


def _status_verdict(before: CostRecord, after: CostRecord) -> tuple[Verdict, str]:
    if before.status == "ok":
        return "broken", f"now {_status(after)}"
    if after.status == "ok":
        return "repaired", f"was {_status(before)}"
    return "cannot tell", f"measured on neither side: was {_status(before)}, now {_status(after)}"


def _status(record: CostRecord) -> str:
    status = record.status.replace("_", " ")
    return f"{status} ({record.reason})" if record.reason else status


def _latency_change(before: Latency, after: Latency) -> tuple[Ratio, Interval | None]:
    """The ratio after ÷ before, and the interval of the difference after - before in seconds."""
    if before == after and before.interval_s is not None:  # one measurement, with itself
        return Ratio(value=1.0, interval=(1.0, 1.0), paired=True), (0.0, 0.0)
    ratio = speed_up(after, before)  # named for its other use; what it returns is after ÷ before
    if ratio.paired:
        pairs = zip(before.samples_s, after.samples_s, strict=True)
        return ratio, median_interval([new - old for old, new in pairs])
    old, new = before.interval_s, after.interval_s
    return ratio, (new[0] - old[1], new[1] - old[0]) if old and new else None


def floor_of(before: CostRecord, after: CostRecord) -> float | None:
    """The relative resolution floor of a pair: the larger one; None where neither has one."""
    floors = [record.floor.relative for record in (before, after) if record.floor is not None]
    return max(floors, default=None)


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


def compare_memory(before: Memory | None, after: Memory | None) -> MemoryVerdict:
    """Net peaks differ where they do by more than both thresholds; unlike methods cannot tell."""
    if before is None or after is None or before.method != after.method:
        return "cannot tell"
    old, new = before.peak_net_bytes, after.peak_net_bytes
    if abs(new - old) <= max(MEMORY_ABSOLUTE_BYTES, MEMORY_RELATIVE * min(old, new)):
        return "same"
    return "more" if new > old else "less"


def net_peak_of(record: CostRecord) -> int | None:
    """Net peak memory in bytes; None where it was not measured."""
    return record.memory.peak_net_bytes if record.memory else None


def products_of(record: CostRecord) -> int | None:
    """MACs of one forward call; None where they were not counted."""
    return record.macs.products_macs if record.macs else None


def _compare_counts(before: int | None, after: int | None) -> CountVerdict:
    if before is None or after is None:
        return "cannot tell"
    return "equal" if before == after else "changed"
