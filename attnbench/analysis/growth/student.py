"""Quantiles of Student's t for whole degrees of freedom, from its distribution in closed form.

With t = sqrt(dof) tan(a), the probability of falling within ±t is a finite sum over powers of
cos(a) (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4).
"""

from __future__ import annotations

from functools import cache
from math import atan, cos, pi, sin, sqrt, tan

NORMAL = 1.959964
"""The two-sided 95 % quantile of the normal distribution: that of very many degrees of freedom."""


@cache
def two_sided_95(dof: int) -> float:
    """The t that a value of that many degrees of freedom (at least 1) exceeds in size 5 % often."""
    if dof < 1:
        raise ValueError(f"Student's t needs at least one degree of freedom, got {dof}")
    low, high = 0.0, pi / 2
    for _ in range(60):  # halves the angle's interval down to the last bit of a float
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, dof) < 0.95 else (low, middle)
    return sqrt(dof) * tan(low)


def within(t: float, dof: int) -> float:
    """The probability that a value of that many degrees of freedom lies within ±t, for t >= 0."""
    return _within(atan(t / sqrt(dof)), dof)


def _within(angle: float, dof: int) -> float:
    if dof % 2 == 0:
        return sin(angle) * _sum_of_cosines(angle, first=0, last=dof - 2)
    if dof == 1:
        return 2 * angle / pi
    return (2 / pi) * (angle + sin(angle) * _sum_of_cosines(angle, first=1, last=dof - 2))


def _sum_of_cosines(angle: float, first: int, last: int) -> float:
    """Powers of the cosine in steps of two; each term follows from the one before."""
    term = total = cos(angle) ** first
    for power in range(first + 2, last + 1, 2):
        term *= cos(angle) ** 2 * (power - 1) / power
        total += term
    return total
