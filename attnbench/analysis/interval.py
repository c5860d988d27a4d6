"""95 % confidence intervals of a mean, from Student's t."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import isinf, sqrt
from statistics import fmean, stdev

from attnbench.records.median import student

NORMAL = 1.959964
"""The two-sided 95 % quantile of the normal distribution."""


def two_sided_95(dof: int) -> float:
    """The two-sided 95 % quantile of Student's t with `dof` degrees of freedom, at least 1."""
    return student(0.95, dof)


@cache
def joint_95(count: int, dof: float) -> float:
    """The 95 % quantile of the sum of `count` squared errors, in units of their estimated variance.

    That is `count` times the quantile of Fisher's F with `count` and `dof` degrees of freedom
    (Scheffé); `inf` degrees of freedom stand for a variance that is known.
    """
    from scipy.special import chdtri, fdtri

    if isinf(dof):
        return float(chdtri(count, 0.05))
    return count * float(fdtri(count, dof, 0.95))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of some values, with its 95 % t interval."""

    value: float
    half_width: float | None
    """Half the width of the interval; None for a single value, which has no spread."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of the interval."""
        if self.half_width is None:
            return None
        return self.value - self.half_width, self.value + self.half_width


def mean_of(values: Sequence[float]) -> Mean:
    """The mean over independent repetitions, such as the seeds of a training.

    The interval assumes normally distributed values with a common mean.
    """
    count = len(values)
    if count < 2:
        return Mean(value=fmean(values), half_width=None)
    half_width = two_sided_95(count - 1) * stdev(values) / sqrt(count)
    return Mean(value=fmean(values), half_width=half_width)


def half_of(variances: Sequence[tuple[float, int | None]]) -> float:
    """Half of the 95 % interval of a sum of independent parts.

    The quantile is that of Student's t, with degrees of freedom by Welch and Satterthwaite.

    Args:
        variances: the variance of each part, with the degrees of freedom that it was estimated
            with; None if they are many.
    """
    from scipy.special import stdtrit

    whole = sum(part for part, _ in variances)
    squares = sum(part**2 / dof for part, dof in variances if dof)
    quantile = float(stdtrit(whole**2 / squares, 0.975)) if squares else NORMAL
    return quantile * sqrt(whole)
