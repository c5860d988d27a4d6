"""Fit cost = a + b·n + c·n² over tokens n with a, b, c >= 0, and predict it at other sizes.

**Model.** Every mechanism here has overhead (a), work per token (b) and work per pair of tokens
(c), and none of them is negative. The fit minimises squared *relative* errors, so small sizes weigh
as much as large ones. It tries the ordinary least-squares fit on every subset of the three terms
and keeps the best one without negative coefficients, which is the best non-negative fit.

**Interval.** The 95 % interval at a size is a prediction interval: it covers a measurement there.
It combines two parts, as the root of the sum of squares of their logarithms, separately below and
above:

- **the curve**: the lowest and highest value of all non-negative curves whose sum of squared
  errors exceeds that of the best by at most q · F · s², with Fisher's 95 % quantile F for q terms:
  their joint region (Scheffé). Any of the terms may be there by chance, so a region for one of them
  is too small: constant costs would be covered in 88 to 94 % of cases. q is three, or the degrees
  of freedom if they are fewer. The
  region includes terms that the fit dropped: a curve that looks linear may turn out quadratic, as
  far as the data allow, so the interval widens with the distance from the data. The extremes are
  exact: each lies on the boundary of that set, at a subset of the terms, and all are tried;
- **the measurement**: its error relative to the curve, h.

**Error of one measurement.** h = s · t. s² is the sum of squared errors divided by the degrees of
freedom (sizes minus terms of the fit), and t is Student's 95 % quantile for them. Three terms on
three sizes leave no degrees of freedom, so s comes from the best fit with fewer terms than sizes,
which is on the wide side. s is at least the root mean square of the samples' standard errors.

**Coverage.** In simulations with three to nine sizes, 1 to 5 % noise (independent, correlated from
size to size, or with a skewed shift at each size) and curves of one, two and three terms, the
interval contains the value in 93 % of cases or more, both within the data and at eight times the
largest size (the tests repeat a part of this). It cannot foresee effects that begin beyond the
data, such as a cache that overflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from attnbench.analysis.interval import NORMAL, joint_95, two_sided_95

TERMS = 3
LEAST_SIZES = 3
_ORDERS = np.array([(0, 1, 2), (1, 2, 0), (2, 0, 1)])
"""Orders of the terms: the first one, two and three of each make up all subsets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval, in the unit of the fitted values."""

    value: float
    low: float
    high: float


class Part(NamedTuple):
    """The ordinary least-squares fit on a subset of the terms; coefficients may be negative."""

    terms: tuple[int, ...]
    coefficients: np.ndarray
    error: float
    """Sum of the squared relative errors."""
    root: np.ndarray
    """W with W Wᵀ = (XᵀX)⁻¹, of the design matrix X."""
    is_possible: bool
    """Whether no coefficient is negative."""

    def alone(self) -> Fit:
        """The same as a fit of one curve."""
        return Fit(
            self.terms, self.coefficients[None], np.array([self.error]), self.root[None],
            np.array([self.is_possible]),
        )  # fmt: skip


class Fit(NamedTuple):
    """The parts of several curves on the same terms: arrays whose first axis is the curve."""

    terms: tuple[int, ...]
    coefficients: np.ndarray
    errors: np.ndarray
    roots: np.ndarray
    are_possible: np.ndarray

    def part(self, at: int) -> Part:
        """That of one curve."""
        return Part(
            self.terms, self.coefficients[at], float(self.errors[at]), self.roots[at],
            bool(self.are_possible[at]),
        )  # fmt: skip


class Curve:
    """A fitted cost curve over tokens."""

    def __init__(
        self,
        tokens: np.ndarray,
        values: np.ndarray,
        noise: np.ndarray | None = None,
        parts: Sequence[Part] | None = None,
    ) -> None:
        """Fit values (above 0) at three or more token counts.

        Args:
            tokens: the token counts.
            values: the cost at each.
            noise: relative standard error of each value; None for counted values.
            parts: the fits on all subsets of the terms, where they were made with those of other
                curves (see `many_curves`).
        """
        if len(tokens) < LEAST_SIZES:
            raise ValueError(f"a curve needs at least {LEAST_SIZES} sizes, got {len(tokens)}")
        self.unit = float(max(tokens))  # keeps the powers near 1
        self._design = design_of(tokens, values)
        self.sizes = len(tokens)
        self._parts = parts or [fit.part(0) for fit in fits(self._design[None])]
        self._best = self._best_of(TERMS)
        self._known: dict[float, Estimate] = {}
        sampled = 0.0 if noise is None else float(np.mean(np.square(noise)))
        scattered, dof = self._scatter()
        self.error_width = sqrt(max(two_sided_95(dof) ** 2 * scattered, NORMAL**2 * sampled))
        """h: half the 95 % interval of one measurement, relative to the curve."""
        joint = joint_95(min(TERMS, dof), dof)
        self.slack = max(joint * scattered, joint_95(TERMS, inf) * sampled)
        """How much more squared error than the best curve's the 95 % region allows."""

    @property
    def worst_error(self) -> float:
        """The largest distance of a measured value from the curve, relative to the curve."""
        fitted = self._design[:, list(self._best.terms)] @ self._best.coefficients
        return float(np.max(np.abs(1 / fitted - 1)))

    def _best_of(self, most_terms: int) -> Part:
        possible = [p for p in self._parts if p.is_possible and len(p.terms) <= most_terms]
        return min(possible, key=lambda part: part.error)  # single terms are never negative

    def _scatter(self) -> tuple[float, int]:
        """The variance of the residuals, s², and its degrees of freedom."""
        fit = self._best_of(self.sizes - 1)
        dof = self.sizes - len(fit.terms)
        return fit.error / dof, dof

    @property
    def coefficients(self) -> tuple[float, float, float]:
        """a, b, c: constant, per token, per token squared."""
        whole = np.zeros(TERMS)
        whole[list(self._best.terms)] = self._best.coefficients
        a, b, c = whole / self.unit ** np.arange(TERMS)
        return float(a), float(b), float(c)

    @property
    def limit(self) -> float:
        """The squared error up to which curves are in the 95 % region."""
        return self._best.error + self.slack

    def at(self, tokens: float) -> Estimate:
        """The cost at that many tokens, with the interval of a measurement."""
        if tokens not in self._known:
            self.remember(tokens, [e for part in self._parts for e in self._ends(part, tokens)])
        return self._known[tokens]

    def remember(self, tokens: float, extremes: Sequence[float]) -> None:
        """Take what the costs at that many tokens of curves in the region end at."""
        curve = self._curve(tokens, extremes)
        below, above = (
            float(np.exp(np.hypot(np.log(factor), self.error_width)))
            for factor in (_ratio(curve.value, curve.low), _ratio(curve.high, curve.value))
        )
        self._known[tokens] = Estimate(
            value=curve.value, low=curve.value / below, high=curve.value * above
        )

    def curve_at(self, tokens: float) -> Estimate:
        """The curve at that many tokens, with its own interval: without measurement error."""
        return self._curve(tokens, [e for part in self._parts for e in self._ends(part, tokens)])

    def _curve(self, tokens: float, extremes: Sequence[float]) -> Estimate:
        powers = self.powers_at(tokens)
        value = float(powers[list(self._best.terms)] @ self._best.coefficients)
        # From that error on, the data do not even exclude a cost of zero.
        ends = [value, *extremes, *([0.0] if self.limit >= self.sizes else [])]
        return Estimate(value=value, low=min(ends), high=max(ends))

    def powers_at(self, tokens: float) -> np.ndarray:
        """The terms of the curve at that many tokens."""
        return _powers(np.array([tokens / self.unit]))[0]

    def _ends(self, part: Part, tokens: float) -> list[float]:
        """The ends of the costs on some of the terms that are in the region, if there are any."""
        found = extremes(part.alone(), self.powers_at(tokens)[None], np.array([self.limit]))
        return [float(end) for ends in found for end in ends if not np.isnan(end)]


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else inf


def _powers(sizes: np.ndarray) -> np.ndarray:
    return np.stack([sizes**power for power in range(TERMS)], axis=-1)


def design_of(tokens: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The terms at each size, relative to the value there."""
    return _powers(tokens / float(max(tokens))) / values[:, None]


def fits(designs: np.ndarray) -> list[Fit]:
    """The fits on all subsets of the terms, small ones first, of curves of equally many sizes.

    X = Q R, so the coefficients are R⁻¹ Qᵀ 1. Of R and its inverse, the upper left corners belong
    to the first terms, so that one decomposition of each order serves all subsets.

    Args:
        designs: of curves, sizes and terms.
    """
    ordered = designs[:, :, _ORDERS].swapaxes(1, 2)  # curves, orders, sizes, terms
    q, r = np.linalg.qr(ordered)
    roots, target = _inverse(r), q.sum(axis=2)
    found = []
    for count in range(1, TERMS + 1):
        first = roots[..., :count, :count]
        coefficients = (first @ target[..., :count, None])[..., 0]
        residuals = (ordered[..., :count] @ coefficients[..., None])[..., 0] - 1
        errors, possible = (residuals**2).sum(axis=-1), (coefficients >= 0).all(axis=-1)
        for i in range(len(_ORDERS) if count < TERMS else 1):  # all terms are one subset
            found.append(
                Fit(
                    terms=tuple(_ORDERS[i, :count].tolist()), coefficients=coefficients[:, i],
                    errors=errors[:, i], roots=first[:, i], are_possible=possible[:, i],
                )
            )  # fmt: skip
    return found


def _inverse(triangles: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.inv(triangles)
    except np.linalg.LinAlgError:  # neighbouring sizes so large that their powers are alike
        if len(triangles) > 1:
            return np.concatenate([_inverse(one[None]) for one in triangles])
        return np.linalg.pinv(triangles)


def extremes(fit: Fit, powers: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest cost of curves on these terms with at most that error.

    NaN where there are none, and for ends with a negative coefficient.

    Args:
        fit: of some curves.
        powers: of curves and terms: all terms of each at the asked size.
        limits: the error of each.
    """
    here = powers[:, list(fit.terms)][:, None, :]  # curves, 1, terms
    half = (here @ fit.roots).swapaxes(1, 2)  # curves, terms, 1
    with np.errstate(invalid="ignore"):
        factor = np.sqrt((limits - fit.errors) / (half.swapaxes(1, 2) @ half)[:, 0, 0])
    step = (fit.roots @ half)[..., 0] * factor[:, None]
    ends = (fit.coefficients - step, fit.coefficients + step)
    low, high = (
        np.where((end >= 0).all(axis=1), (here @ end[..., None])[:, 0, 0], np.nan) for end in ends
    )
    return low, high
