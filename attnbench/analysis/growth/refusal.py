"""Which curves are good enough to predict from, and what to run where one is not.

Only latencies that are good enough to conclude from (`quotable`) are fitted. A latency is not
predicted if

- fewer than three sizes may be used;
- the size is below half the smallest or above sixteen times the largest of them;
- a measured latency is more than half off the curve: the costs do not follow it;
- the interval spans more than a factor of ten: it does not even tell the order of magnitude.

Memory peaks are counted, so they are refused for their number and range of sizes alone, and for an
interval that wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, isqrt, sqrt

from attnbench.analysis.growth.curves import listed_sizes
from attnbench.analysis.growth.many_curves import ManyCurves, Series
from attnbench.analysis.growth.measured import Measured
from attnbench.analysis.growth.polynomial import LEAST_SIZES, Curve, Estimate
from attnbench.analysis.quotable import POOR
from attnbench.analysis.remeasure import Cell, advice
from attnbench.analysis.shortened import some_of
from attnbench.spec import grid_of

FARTHEST_BEYOND = 16
FARTHEST_BELOW = 2
"""A curve is used up to this factor above the largest and below the smallest measured size."""

WORST_FIT = 0.5
"""Nothing is predicted if a measured latency is farther off the curve."""
WIDEST = 10.0
"""Nothing is predicted if the ends of the interval are more than this factor apart."""


class CannotTellError(Exception):
    """A latency cannot be predicted."""

    def __init__(
        self,
        reason: str,
        cells: Iterable[Cell] = (),
        *,
        is_poor: bool = False,
        sizes: Sequence[int] = (),
    ) -> None:
        """Take the reason.

        Args:
            reason: why, the same for all mechanisms that it applies to.
            cells: what to measure.
            is_poor: whether the measured latencies are not good enough.
            sizes: the token counts that it is about; () for all of the curve.
        """
        super().__init__(reason)
        self.cells = tuple(cells)
        self.is_poor = is_poor
        self.sizes = tuple(sizes)


@dataclass(slots=True)
class Refusals:
    """The reasons why curves were refused, each with its mechanisms and the cells to measure."""

    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    cells: dict[tuple[str, str], list[Cell]] = field(default_factory=dict)

    def add(self, rows: Measured, error: CannotTellError) -> None:
        """Note that the curve of these cells was refused."""
        about = (rows.conditions, str(error))
        at = f" at {listed_sizes(error.sizes)}" if error.sizes else ""
        self.names.setdefault(about, []).append(rows.label + at)
        self.cells.setdefault(about, []).extend(error.cells)

    def lines(self) -> tuple[str, ...]:
        """A line for each reason: conditions if they differ, mechanisms, reason, what to run."""
        several = len({conditions for conditions, _ in self.names}) > 1
        return tuple(self._line(about, several) for about in self.names)

    def _line(self, about: tuple[str, str], several: bool) -> str:
        conditions, reason = about
        names = some_of(self.names[about])
        parts = [f"{names}: {reason}", advice(self.cells[about])]
        text = "; ".join(filter(None, parts))
        return f"{conditions}: {text}" if several else text


def curves_of(every: Iterable[Measured], tokens: int) -> ManyCurves:
    """The curves of latency and memory of all that can be fitted, which is quicker together."""
    series = (one for rows in every for one in (latency_series(rows), memory_series(rows)))
    return ManyCurves(tokens, (one for one in series if len(one[0]) >= LEAST_SIZES))


def latency_series(rows: Measured) -> Series:
    """The latencies that may be quoted."""
    used = rows.sure
    return used.tokens, used.latency_s, used.noise


def memory_series(rows: Measured) -> Series:
    """The memory peaks that are known."""
    known = rows.where(rows.memory_bytes > 0)
    return known.tokens, known.memory_bytes, None


def latency_curve(
    rows: Measured, tokens: int, curves: ManyCurves
) -> tuple[Curve | None, CannotTellError | None]:
    """The curve of the latency, or why it cannot be used at that many tokens."""
    try:
        return _good_curve(rows, tokens, curves), None
    except CannotTellError as reason:
        return None, reason


def _good_curve(rows: Measured, tokens: int, curves: ManyCurves) -> Curve:
    """The curve through the latencies that may be quoted, if it is good enough to predict from."""
    timed = rows.timed
    if not len(timed):
        statuses = ", ".join(sorted({status.replace("_", " ") for status in rows.statuses}))
        raise CannotTellError(f"no latency was measured ({statuses})")
    _refuse_few(timed, tokens)
    used = timed.sure
    _refuse_distant(used, tokens)
    curve = curves.of((used.tokens, used.latency_s, used.noise))
    if curve.worst_error > WORST_FIT:
        raise CannotTellError(
            f"{POOR}: measured latencies are up to {curve.worst_error:.0%} off the curve",
            timed.cells, is_poor=True,
        )  # fmt: skip
    if is_vague(curve.at(tokens)):
        between = max(FARTHEST_BELOW, round(sqrt(sqrt(tokens * max(used.sizes)))))
        raise CannotTellError(
            f"{POOR}: the interval would span more than a factor of {WIDEST:g}",
            [*timed.cells, *_at_sizes(rows, [between**2])], is_poor=True,
        )  # fmt: skip
    return curve


def is_vague(estimate: Estimate) -> bool:
    """Whether the interval does not even tell the order of magnitude."""
    return estimate.high > WIDEST * estimate.low


def memory_curve(known: Measured, tokens: int, curves: ManyCurves) -> Curve | None:
    """The curve of the memory peak; None if it cannot be used at that many tokens."""
    if len(known) < LEAST_SIZES or _is_distant(known.sizes, tokens):
        return None
    curve = curves.of((known.tokens, known.memory_bytes, None))
    return None if is_vague(curve.at(tokens)) else curve


def _refuse_few(timed: Measured, tokens: int) -> None:
    """Refuse too few sizes, and say which sizes to measure."""
    used, left_out = timed.sure, timed.poor
    if len(timed) < LEAST_SIZES:
        raise CannotTellError(
            f"measured at {_sizes(len(timed))}, but a curve needs {LEAST_SIZES}",
            _at_sizes(timed, _ladder(tokens)),
        )
    if len(used) < LEAST_SIZES:
        raise CannotTellError(
            f"{POOR}, and a curve needs {LEAST_SIZES} sizes", left_out.cells, is_poor=True,
            sizes=left_out.sizes,
        )  # fmt: skip


def _sizes(count: int) -> str:
    return "1 size" if count == 1 else f"{count} sizes"


def _is_distant(sizes: Sequence[int], tokens: int) -> bool:
    return tokens > FARTHEST_BEYOND * max(sizes) or FARTHEST_BELOW * tokens < min(sizes)


def _refuse_distant(used: Measured, tokens: int) -> None:
    """Refuse sizes that the curve cannot predict, and say which size to measure instead."""
    sizes = used.sizes
    if not _is_distant(sizes, tokens):
        return
    if tokens > FARTHEST_BEYOND * max(sizes):
        nearer = ceil(sqrt(tokens / FARTHEST_BEYOND)) ** 2
        text = f"more than {FARTHEST_BEYOND} times the largest size that counts ({max(sizes):,})"
    else:
        nearer = isqrt(FARTHEST_BELOW * tokens) ** 2
        text = f"below half the smallest size that counts ({min(sizes):,})"
    raise CannotTellError(text, _at_sizes(used, [nearer]))


def _ladder(tokens: int) -> list[int]:
    """Three square token counts from which `tokens` can be predicted."""
    side = max(2, ceil(sqrt(tokens / FARTHEST_BEYOND)))
    return [side**2, ceil(1.5 * side) ** 2, (2 * side) ** 2]


def _at_sizes(rows: Measured, sizes: Sequence[int]) -> list[Cell]:
    """The mechanism of these cells at other sizes, under the same conditions."""
    cell = rows.cells[0]
    return [replace(cell, grid=grid_of(size)) for size in sizes]
