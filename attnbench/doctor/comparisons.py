"""Comparisons with a known answer: an operator compared with itself, and with one 5 % slower.

The first must read "same", the second "slower". `doctor` makes each once on a user's machine,
`make bench` twenty times.
"""

from __future__ import annotations

from attnbench.analysis.compare.verdict import Change, Thresholds, compare_cell
from attnbench.doctor.findings import not_possible, passed_or_failed
from attnbench.doctor.timed_operator import REPEATS, TimedOperator
from attnbench.records import Finding, Floor
from attnbench.records.trust import trust_in
from attnbench.spec import Protocol
from attnbench.units import format_percent

PLANTED = 1 / REPEATS
"""How much slower the slower operator is."""
HALF_WAY = Thresholds(relative=PLANTED / 2, absolute_s=0.0)
"""Between no change and the planted one, so that noise has equal room on both sides."""


def compare_same(operator: TimedOperator, protocol: Protocol) -> Change:
    """The operator compared with itself."""
    return compare_with(operator, REPEATS, protocol)


def compare_slowed(operator: TimedOperator, protocol: Protocol) -> Change:
    """The operator compared with one that does 5 % more work."""
    return compare_with(operator, REPEATS + 1, protocol)


def compare_with(operator: TimedOperator, times: int, protocol: Protocol) -> Change:
    """The operator compared with its layer called `times` times; the two are sampled in turn."""
    calls = {"before": operator.repeated(), "after": operator.repeated(times)}
    records = operator.measure(calls, protocol)
    return compare_cell(records["before"], records["after"], HALF_WAY)


def judge_same(change: Change, floor: Floor) -> Finding:
    """An operator compared with itself must be the same, unless this machine cannot show it."""
    text = f'expected "same" (within {format_percent(HALF_WAY.relative)}), came {_came(change)}'
    if why := _cannot_tell(change, floor):
        return not_possible("same operator", text + why)
    return passed_or_failed("same operator", change.verdict == "same", text)


def judge_slowed(change: Change, floor: Floor) -> Finding:
    """Work that takes 5 % more must be slower, unless this machine cannot resolve so little."""
    text = (
        f'expected "slower" (by {format_percent(PLANTED)}, threshold '
        f"{format_percent(HALF_WAY.relative)}), came {_came(change)}"
    )
    if why := _cannot_tell(change, floor):
        return not_possible("planted slow-down", text + why)
    return passed_or_failed("planted slow-down", change.verdict == "slower", text)


def _cannot_tell(change: Change, floor: Floor) -> str:
    """Why this machine gives no answer at this time, or "" if it should."""
    doubts = [d for record in (change.before, change.after) for d in trust_in(record).doubts]
    worst = next((doubt for doubt in doubts if doubt.grade == "C"), None)
    if worst is not None:
        return f"; graded C: {worst.text}; {worst.advice}"
    if change.verdict != "cannot tell":
        return ""
    if floor.relative > PLANTED - HALF_WAY.relative:
        return f"; the resolution floor is {format_percent(floor.relative)}"
    return "; other programs used the machine, stop them and try again" if floor.disturbed else ""


def _came(change: Change) -> str:
    """A verdict with its numbers."""
    interval = change.ratio.interval if change.ratio else None
    if interval is None:
        return f'"{change.verdict}" ({change.reason})'
    low, high = (f"{100 * (bound - 1):+.1f} %" for bound in interval)
    return f'"{change.verdict}" ({low} to {high})'
