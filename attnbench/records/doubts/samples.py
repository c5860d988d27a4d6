"""Doubts that the samples themselves raise: too few, too scattered, not steady."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from attnbench.records.doubts.doubt import Doubt, graded
from attnbench.records.latency import Latency
from attnbench.records.median import LEAST_SPAN_S, effective_size, median_interval

FEW_SAMPLES = (30, 6)
WIDE_INTERVAL = (0.05, 0.15)
DRIFT = (0.03, 0.10)
"""Thresholds of B and C for each doubt."""


def few_samples(latency: Latency) -> Doubt | None:
    """Too few samples for a good interval, or for any."""
    count = len(latency.used_s)
    if count >= FEW_SAMPLES[0]:
        return None
    undisturbed = "undisturbed " if count < len(latency.samples_s) else ""
    return Doubt(
        name="few samples",
        grade="C" if count < FEW_SAMPLES[1] else "B",
        text=f"{count} {undisturbed}sample{'' if count == 1 else 's'}",
        advice="raise --time-budget",
    )


def no_interval(latency: Latency) -> Doubt | None:
    """The samples are enough by number, but no interval can be given."""
    if latency.interval_s is not None or len(latency.used_s) < FEW_SAMPLES[1]:
        return None
    count, span_s = len(latency.used_s), latency.known_span_s
    if span_s < LEAST_SPAN_S:
        text = f"the samples span {span_s:.2g} s only: that says nothing of the next second"
    else:
        alike = max(1, round(effective_size(latency.used_s)))
        text = f"{count} samples are so alike that they count as {alike}: no interval"
    return Doubt(name="no interval", grade="C", text=text, advice="raise --time-budget")


def wide_interval(latency: Latency) -> Doubt | None:
    """The interval of the median is a large share of it."""
    interval = latency.interval_s
    if interval is None:
        return None
    width_s = interval[1] - interval[0]
    if width_s <= WIDE_INTERVAL[0] * interval[0]:  # it is below the median, which takes longer
        return None
    width = width_s / latency.median_s
    grade = graded(width, WIDE_INTERVAL)
    if grade == "A":
        return None
    return Doubt(
        name="wide interval",
        grade=grade,
        text=f"the 95 % interval is {width:.0%} of the median",
        advice="raise --time-budget, or stop other programs",
    )


def drift(latency: Latency) -> Doubt | None:
    """The first and the last third of the samples differ."""
    samples_s = latency.used_s
    third = len(samples_s) // 3
    first, last = samples_s[:third], samples_s[len(samples_s) - third :]
    if not third:
        return None
    change = median(last) / median(first) - 1
    grade = graded(abs(change), DRIFT)
    if grade == "A" or not _apart(first, last):
        return None
    return Doubt(
        name="drift",
        grade=grade,
        text=f"the median of the last third of the samples is {change:+.0%} off the first",
        advice="the machine's speed changed: measure again with a larger --time-budget",
    )


def _apart(first: Sequence[float], last: Sequence[float]) -> bool:
    """Whether the 95 % intervals of two medians do not overlap."""
    one, other = median_interval(first), median_interval(last)
    if one is None or other is None:
        return False
    return one[1] < other[0] or other[1] < one[0]


def unsteady(latency: Latency) -> Doubt | None:
    """The calls were not steady when sampling began."""
    if latency.settled is not False:
        return None
    return Doubt(
        name="unsteady",
        grade="B",
        text=f"the calls were not steady after {latency.warmup_s or 0:.1f} s of warm-up",
        advice="stop other programs, or measure again",
    )
