"""How often each published kind of interval holds; a part of `bench.py`.

Simulated series have known medians, slopes and curves. The published records have none, but no two
stretches of one series may contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import exp, nan
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
from bench_rows import Row, Section, met

from attnbench.analysis.growth.exponent import exponent_of
from attnbench.analysis.growth.polynomial import Curve
from attnbench.analysis.speedup.ratio_crossing import Point, crossings
from attnbench.doctor.coverage import (
    AIM,
    NOTHING,
    Coverage,
    holding,
    overlapping,
    ratios_in_turn,
    series,
    stretches,
    stretches_of,
)
from attnbench.records import CostRecord, of_type, store
from attnbench.records.latency import Latency
from attnbench.records.median import Interval, median_interval
from attnbench.units import format_percent

PUBLISHED = Path(__file__).parents[1] / "results" / "measured"
CORRELATIONS = (0.0, 0.5, 0.9)
SHIFT = 0.2
"""Standard deviation of a session's own speed."""
NOISE = 0.03
"""Relative standard error of each size of a fit."""
LADDER = np.array([64.0, 196.0, 576.0, 1024.0, 2304.0, 4096.0])
FAMILY_WISE = 0.05
"""Most runs in which a crossover may be claimed where the ratio is 1 at every size."""


def simulated(runs: int) -> list[Row]:
    """Medians, ratios, exponents, predictions and crossovers of series with a known truth."""
    rows = []
    for correlation in CORRELATIONS:
        for count in (30, 100, 300):
            what = f"median of {count} samples, autocorrelation {correlation:g}"
            rows.append(_row(what, holding(_medians(correlation, count, runs), 1.0)))
        what = f"ratio of 100 rounds through shifts of the session, {correlation:g}"
        rows.append(_row(what, holding(_ratios(correlation, runs), 1.0)))
        rows.append(_row(f"exponent over 4 sizes, {correlation:g}", _exponents(correlation, runs)))
    for name, shape in SHAPES.items():
        rows.append(_row(f"prediction at 8 × the largest size, {name}", _predictions(shape, runs)))
    return rows + [_claims_row(count, runs) for count in (8, 16)]


def _medians(correlation: float, count: int, runs: int) -> Iterable[Interval | None]:
    draw = Random(count)
    return (median_interval(series(draw, correlation, count)) for _ in range(runs))


def _ratios(correlation: float, runs: int) -> Iterable[Interval | None]:
    draw = Random(0)
    for _ in range(runs):
        session = series(draw, 0.99, 100, SHIFT)
        one, other = (series(draw, correlation, 100) for _ in range(2))
        rounds = zip(one, other, session, strict=True)
        yield median_interval([a * speed / (b * speed) for a, b, speed in rounds])


def _exponents(correlation: float, runs: int) -> Coverage:
    draw, sizes, intervals = Random(1), LADDER[2:], []
    for _ in range(runs):
        errors = [0.3 * x for x in np.log(series(draw, correlation, len(sizes)))]
        values = sizes**1.5 * np.exp(errors)
        found = exponent_of(sizes, values, np.full(len(sizes), NOISE))
        intervals.append((found.low, found.high))
    return holding(intervals, 1.5)


SHAPES = {
    "constant": (1e-3, 0.0, 0.0),
    "linear": (1e-4, 1e-6, 0.0),
    "quadratic": (1e-4, 2e-7, 3e-10),
}


def _predictions(shape: Sequence[float], runs: int) -> Coverage:
    draw, held = Random(2), 0

    def measured(tokens: float) -> float:
        truth = sum(factor * tokens**power for power, factor in enumerate(shape))
        return truth * exp(NOISE * draw.gauss(0, 1))

    for _ in range(runs):
        values = np.array([measured(size) for size in LADDER])
        found = Curve(LADDER, values, np.full(len(LADDER), NOISE)).at(8 * LADDER[-1])
        held += bool(found.low <= measured(8 * LADDER[-1]) <= found.high)
    return Coverage(cases=runs, given=runs, held=held)


def _claims_row(count: int, runs: int) -> Row:
    draw, claims = Random(count), 0
    for _ in range(runs):
        points = [_point(2.0**number, series(draw, 0.5, 60)) for number in range(count)]
        claims += crossings(points).outcome not in ("cannot tell", "not measured well enough")
    return Row(
        what=f"crossover claimed where the ratio is 1 at all of {count} sizes",
        measured=f"{format_percent(claims / runs)} of {runs} runs",
        aim=f"at most {format_percent(FAMILY_WISE)}",
        outcome=met(claims <= FAMILY_WISE * runs),
        numbers={"claims": claims, "runs": runs},
    )


def _point(tokens: float, ratios: Sequence[float]) -> Point:
    low, high = median_interval(ratios) or (nan, nan)
    return Point(tokens=tokens, ratio=median(ratios), low=low, high=high)


def published(latencies: Sequence[Latency]) -> list[Row]:
    """Stretches and halves of the stored series, and of their ratios."""
    ratios = ratios_in_turn(latencies)
    return [
        *(
            _row(
                f"stretches of {count} samples beside each other",
                _sum(overlapping(stretches_of(one, count)) for one in latencies),
            )
            for count in (30, 100, 300)
        ),
        _row(
            "halves",
            _sum(overlapping(stretches_of(one, len(one.used_s) // 2)) for one in latencies),
        ),
        _row(
            "halves of ratios in turn",
            _sum(overlapping(stretches(r, seconds, len(r) // 2)) for r, seconds in ratios),
        ),
    ]


def _sum(found: Iterable[Coverage]) -> Coverage:
    return sum(found, NOTHING)


def _row(what: str, found: Coverage) -> Row:
    return Row(
        what=what,
        measured=f"{format_percent(found.share)} of {found.given} given, of {found.cases}",
        aim=f"at least {format_percent(AIM)} of those given",
        outcome=met(found.share >= AIM),
        numbers={"cases": found.cases, "given": found.given, "held": found.held},
    )


def _rarely_given(row: Row) -> Row:
    """Where few series have an interval, they are those that look calm by chance."""
    cases, given, held = (row.numbers[name] for name in ("cases", "given", "held"))
    if 2 * given >= cases:
        return row
    wrong = (given - held) / cases
    return replace(
        row,
        measured=f"{row.measured}; {format_percent(wrong)} of all are wrong",
        aim=f"at most {format_percent(1 - AIM)} of all are wrong",
        outcome=met(wrong <= 1 - AIM),
    )


def coverage(runs: int) -> list[Section]:
    """All rows, with so many simulated series of each kind; nothing is measured."""
    contents = store.read_many(sorted(PUBLISHED.glob("*.jsonl")))
    records = of_type(contents.records, CostRecord)
    latencies = [record.latency for record in records if record.latency is not None]
    return [
        Section(
            title="Coverage of 95 % intervals, simulated",
            conditions=f"{runs} series each. Where no interval can be given, none is. Where fewer "
            "than half have one, those that have are calm by chance, and the aim is about all.",
            rows=[_rarely_given(row) if "cases" in row.numbers else row for row in simulated(runs)],
        ),
        Section(
            title="Coverage of 95 % intervals, published records",
            conditions=f"{len(latencies)} stored series of all grades; two intervals of one series "
            "hold if they overlap. Stretches under half a second have none.",
            rows=published(latencies),
        ),
    ]
