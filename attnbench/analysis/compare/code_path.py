"""Signs in two records of one cell that the code path differed, or that it did not.

A cell can change without a change of its source: a kernel that torch chooses by size, a path that
is tuned at the first call, a compiled function that fell back. The records show some of that.
"""

from __future__ import annotations

from attnbench.records import CostRecord
from attnbench.units import format_count, format_seconds

FIRST_CALL = 2.0
"""First calls this many times apart are a sign that another path was built or tuned."""
NO_SIGN = (
    "the records show no change of code, kernel or operators: the machine differed, or a choice "
    "that was made at the first call"
)


def code_path_text(before: CostRecord, after: CostRecord) -> str:
    """What the records say about the code path, for the reason of a verdict."""
    return "; ".join(_signs(before, after)) or NO_SIGN


def other_path_text(before: CostRecord, after: CostRecord) -> str:
    """That the timed calls ran other operators, which a reader of any verdict wants to know."""
    return "; ".join(_pair("the code path differs:", before.code_path, after.code_path))


def _signs(before: CostRecord, after: CostRecord) -> list[str]:
    old, new = before.environment.code, after.environment.code
    found = ["the measured code differs"] if old and new and old != new else []
    found += _pair("kernel", before.backend, after.backend)
    counts = [None if r.operators is None else format_count(r.operators) for r in (before, after)]
    found += _pair("operators", *counts)
    found += filter(None, [other_path_text(before, after)])
    return [*found, *_first_calls(before.first_call_s, after.first_call_s)]


def _pair(name: str, old: str | None, new: str | None) -> list[str]:
    return [f"{name} {old} before, {new} after"] if old and new and old != new else []


def _first_calls(old: float | None, new: float | None) -> list[str]:
    if not old or not new or max(old, new) < FIRST_CALL * min(old, new):
        return []
    return [f"first call {format_seconds(old)} before, {format_seconds(new)} after"]
