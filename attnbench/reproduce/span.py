"""The one rule by which a printed number agrees with another.

A printed number stands for every value that rounds to it: half a unit of its last digit to both
sides. What is computed from printed numbers stands for every value that their roundings allow, and
a number counted here for itself. Two numbers agree if these spans meet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from attnbench.errors import UserError
from attnbench.reproduce import paper

ROUNDING = 1e-9
"""Room for the arithmetic of this program, as a share of the larger number (of one below it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A number, and the least and largest value that its digits allow."""

    low: float
    value: float
    high: float

    def meets(self, other: Span) -> bool:
        """Whether some value is allowed by both."""
        return self.can_be_at_most(other) and other.can_be_at_most(self)

    def can_be_at_most(self, other: Span) -> bool:
        """Whether the digits allow that this number does not exceed the other."""
        return self.low <= other.high + ROUNDING * max(1.0, abs(other.high))

    @property
    def is_exact(self) -> bool:
        """Whether it stands for one value alone."""
        return self.low == self.high


def exact(value: float) -> Span:
    """A number that was counted here, or follows without rounding."""
    return Span(low=value, value=value, high=value)


def printed(text: str) -> Span:
    """The span of a number as printed: "46.7" stands for 46.65 to 46.75.

    Raises:
        UserError: nothing was printed, or no number.
    """
    value = paper.number(text)
    if value is None:
        raise UserError("expected a number in the paper's tables, got none; restore them")
    half = paper.last_place(text) / 2
    return Span(low=value - half, value=value, high=value + half)


def combined(function: Callable[..., float], *spans: Span) -> Span:
    """A function of several spans; it must rise or fall in each of its arguments throughout."""
    corners = [function(*corner) for corner in product(*((s.low, s.high) for s in spans))]
    value = function(*(span.value for span in spans))
    return Span(low=min(corners), value=value, high=max(corners))


def magnitude(span: Span) -> Span:
    """Its absolute value."""
    ends = abs(span.low), abs(span.high)
    touches_zero = span.low <= 0 <= span.high
    return Span(low=0.0 if touches_zero else min(ends), value=abs(span.value), high=max(ends))


def least(*spans: Span) -> Span:
    """The smallest of several numbers."""
    return Span(
        low=min(s.low for s in spans),
        value=min(s.value for s in spans),
        high=min(s.high for s in spans),
    )


def largest(*spans: Span) -> Span:
    """The largest of several numbers."""
    return Span(
        low=max(s.low for s in spans),
        value=max(s.value for s in spans),
        high=max(s.high for s in spans),
    )


def nearest(claimed: Span, *spans: Span) -> Span:
    """The number that agrees with the claim, or else the one that is nearest to it."""
    return min(spans, key=lambda s: (not s.meets(claimed), abs(s.value - claimed.value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of one check: the number found, and whether the claim holds."""

    computed: Span
    holds: bool


def agrees(claimed: Span, computed: Span) -> Outcome:
    """The claim holds if both numbers allow a common value."""
    return Outcome(computed=computed, holds=claimed.meets(computed))


def is_possible(claimed: Span, bound: Span) -> Outcome:
    """The claim holds if the digits allow that it does not exceed the bound."""
    return Outcome(computed=bound, holds=claimed.can_be_at_most(bound))
