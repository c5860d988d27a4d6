"""Compare two sets of results: which cells became faster, slower, broken or repaired.

Where both sides have a latency that is good enough to conclude from (`quotable`), `rule` judges
it; where one is graded C, the verdict is "cannot tell", with what to run. A verdict of slower or
faster comes with what the records say about the code path. Otherwise the statuses decide:

| before   | after    | verdict                                                              |
|----------|----------|----------------------------------------------------------------------|
| ok       | not ok   | broken                                                               |
| not ok   | ok       | repaired                                                             |
| not ok   | not ok   | cannot tell: neither side has a latency                              |

The rows of each table exclude each other. Swapping the sides swaps faster with slower, and broken
with repaired.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from attnbench.analysis.compare.code_path import code_path_text, other_path_text
from attnbench.analysis.compare.pairs import Side, pair
from attnbench.analysis.compare.poor import poor_sides
from attnbench.analysis.compare.rule import Thresholds, Verdict, judge
from attnbench.analysis.compare.score_changes import ScoreChanges, score_changes
from attnbench.analysis.quotable import Grades
from attnbench.records import CostRecord, Memory
from attnbench.records.latency import Latency, Ratio, speed_up, work_out_intervals
from attnbench.records.median import Interval

WORST_FIRST: tuple[Verdict, ...] = (
    "broken", "slower", "cannot tell", "same", "faster", "repaired",
)  # fmt: skip
MemoryVerdict = Literal["more", "less", "same", "cannot tell"]
CountVerdict = Literal["equal", "changed", "cannot tell"]

MEMORY_RELATIVE = 0.01
MEMORY_ABSOLUTE_BYTES = 64 * 2**10
"""Peaks are counted, not sampled: a change within either threshold is the allocator's rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The change of one cell."""

    before: CostRecord
    after: CostRecord
    verdict: Verdict
    """On latency and status."""
    reason: str = ""
    """The reason, where the numbers alone do not show it."""
    poor: tuple[CostRecord, ...] = ()
    """The sides whose latency is not good enough to conclude from, and has to be measured again."""
    ratio: Ratio | None = None
    """Latency after ÷ before."""
    difference_s: Interval | None = None
    """95 % interval of latency after - before."""
    floor: float | None = None
    """Relative resolution floor: the larger of the two records'; None if neither has one."""
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
    scores: ScoreChanges = field(default_factory=ScoreChanges)
    """Of trained models."""

    @property
    def counts(self) -> dict[str, int]:
        """Cells by verdict, by change of memory and counts, without a partner; models by score."""
        verdicts = Counter(change.verdict for change in self.changes)
        scores = Counter(change.verdict for change in self.scores.changes)
        memory = Counter(change.memory for change in self.changes)
        return {
            **{verdict: verdicts[verdict] for verdict in WORST_FIRST},
            "more": memory["more"],
            "less": memory["less"],
            "changed": sum("changed" in (change.macs, change.params) for change in self.changes),
            "missing": len(self.only_before),
            "new": len(self.only_after),
            "better": scores["better"],
            "worse": scores["worse"],
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
        UserError: no cells can be compared (see `pairs.pair`).
    """
    thresholds = thresholds or Thresholds()
    scores = score_changes(before.records, after.records, [*before.paths, *after.paths])
    pairs = pair(
        before, after, across_environments=across_environments, may_be_none=bool(scores.changes)
    )
    grades = Grades()
    sides = (record.latency for cells in pairs.both for record in cells)
    work_out_intervals(latency for latency in sides if latency is not None)
    changes = [compare_cell(*_apart(old, new), thresholds, grades) for old, new in pairs.both]
    return Comparison(
        before=before.name,
        after=after.name,
        thresholds=thresholds,
        changes=tuple(sorted(changes, key=_badness)),
        only_before=pairs.only_before,
        only_after=pairs.only_after,
        overtaken=pairs.overtaken,
        scores=scores,
    )


def _apart(before: CostRecord, after: CostRecord) -> tuple[CostRecord, CostRecord]:
    """Both records, not as measured in the same rounds.

    Rounds hold a cell once. Two records of one cell with the same rounds are two parts of one
    series, taken one after the other: their samples are no pairs.
    """
    if after.latency is None or before.latency == after.latency:
        return before, after
    return before, replace(after, latency=replace(after.latency, rounds_with=""))


def _badness(change: Change) -> tuple[int, float]:
    """Sort key, worst first: by verdict, then by slowdown."""
    return WORST_FIRST.index(change.verdict), -change.ratio.value if change.ratio else 0.0


def compare_cell(
    before: CostRecord, after: CostRecord, thresholds: Thresholds, grades: Grades | None = None
) -> Change:
    """The change of one cell, by the table of this module and by `rule`.

    Args:
        before: its record on one side.
        after: its record on the other side.
        thresholds: what counts as a change.
        grades: where the grades of records are remembered; None to work them out.
    """
    ratio, difference_s, floor = None, None, floor_of(before, after)
    poor: tuple[CostRecord, ...] = ()
    if before.status != "ok" or after.status != "ok":
        verdict, reason = _status_verdict(before, after)
    elif before.latency is None or after.latency is None:
        verdict, reason = "cannot tell", "no latency was recorded on one side"
    else:
        ratio, difference_s = _latency_change(before.latency, after.latency)
        poor, reason = poor_sides(before, after, grades or Grades())
        verdict = "cannot tell"
        if not poor:
            verdict, reason = _judged(before, after, ratio, difference_s, thresholds)
    return Change(
        before=before, after=after, verdict=verdict, reason=reason, poor=poor, ratio=ratio,
        difference_s=difference_s, floor=floor, memory=compare_memory(before.memory, after.memory),
        macs=_compare_counts(products_of(before), products_of(after)),
        params=_compare_counts(before.params, after.params),
    )  # fmt: skip


def _judged(
    before: CostRecord,
    after: CostRecord,
    ratio: Ratio,
    difference_s: Interval | None,
    thresholds: Thresholds,
) -> tuple[Verdict, str]:
    """The verdict of the rule; a change comes with what is known of the code path."""
    known = floor_of(before, after)
    floor = 0.0 if known is None and ratio.paired else known
    verdict, reason = judge(ratio.interval, difference_s, thresholds, floor)
    if verdict in ("slower", "faster"):
        return verdict, code_path_text(before, after)
    return verdict, "; ".join(filter(None, (reason, other_path_text(before, after))))


def _status_verdict(before: CostRecord, after: CostRecord) -> tuple[Verdict, str]:
    if before.status == "ok":
        return "broken", f"now {_status(after)}"
    if after.status == "ok":
        return "repaired", f"was {_status(before)}"
    return "cannot tell", f"no latency on either side: was {_status(before)}, now {_status(after)}"


def _status(record: CostRecord) -> str:
    status = record.status.replace("_", " ")
    return f"{status} ({record.reason})" if record.reason else status


def _latency_change(before: Latency, after: Latency) -> tuple[Ratio, Interval | None]:
    """The ratio after ÷ before, and the interval of the difference after - before in seconds."""
    if before == after and before.interval_s is not None:  # both sides hold the same measurement
        return Ratio(value=1.0, interval=(1.0, 1.0), paired=True), (0.0, 0.0)
    ratio = speed_up(after, before)  # after ÷ before, so above 1 is a slowdown
    if ratio.paired:  # differences grow and shrink with the machine's speed, ratios do not
        if ratio.interval is None:
            return ratio, None
        low, high = ratio.interval
        return ratio, ((low - 1) * before.median_s, (high - 1) * before.median_s)
    old, new = before.interval_s, after.interval_s
    return ratio, (new[0] - old[1], new[1] - old[0]) if old and new else None


def floor_of(before: CostRecord, after: CostRecord) -> float | None:
    """The larger relative resolution floor of a pair; None if neither record has one."""
    floors = [record.floor.relative for record in (before, after) if record.floor is not None]
    return max(floors, default=None)


def compare_memory(before: Memory | None, after: Memory | None) -> MemoryVerdict:
    """Compare net peaks: they differ if by more than both thresholds.

    Peaks taken by different methods cannot be compared.
    """
    if before is None or after is None or before.method != after.method:
        return "cannot tell"
    old, new = before.peak_net_bytes, after.peak_net_bytes
    if abs(new - old) <= max(MEMORY_ABSOLUTE_BYTES, MEMORY_RELATIVE * min(old, new)):
        return "same"
    return "more" if new > old else "less"


def net_peak_of(record: CostRecord) -> int | None:
    """Net peak memory in bytes; None if it was not measured."""
    return record.memory.peak_net_bytes if record.memory else None


def products_of(record: CostRecord) -> int | None:
    """MACs of one forward call; None if they were not counted."""
    return record.macs.products_macs if record.macs else None


def _compare_counts(before: int | None, after: int | None) -> CountVerdict:
    if before is None or after is None:
        return "cannot tell"
    return "equal" if before == after else "changed"
