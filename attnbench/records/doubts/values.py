"""A doubt about the values that were computed with: numbers on which the processor is slow."""

from __future__ import annotations

from attnbench.records.doubts.doubt import Doubt, graded
from attnbench.records.record import CostRecord
from attnbench.units import format_percent

DENORMAL_SHARE = (0.001, 0.01)
"""Thresholds of B and C. Where a denormal number costs 150 cycles and a normal one less than one, a
thousandth is felt, and a hundredth doubles the time."""


def denormal_numbers(record: CostRecord) -> Doubt | None:
    """A share of the values is too small for a normal number, which makes many CPUs slow."""
    share = record.denormal_share or 0.0
    grade = graded(share, DENORMAL_SHARE)
    if grade == "A":
        return None
    return Doubt(
        name="denormal numbers",
        grade=grade,
        text=f"{format_percent(share)} of the computed values are denormal numbers, on which many "
        "processors are tens of times slower",
        advice="scale weights or inputs, or flush them to zero with torch.set_flush_denormal(True) "
        "before measuring",
    )
