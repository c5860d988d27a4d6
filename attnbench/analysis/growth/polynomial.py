"""Cost as a + b·n + c·n² of the tokens n, with a, b, c >= 0: fitted, and told elsewhere.

Every mechanism here has that structure: overhead, work on each token, work on pairs of tokens, none
of it below zero. Least squares of the *relative* errors, so that small sizes weigh as much as large
ones. With three terms the best non-negative fit is found by trying every subset of them: it is the
ordinary fit on its own terms, so it is the best of those that come out non-negative.

The 95 % interval at a size holds what a measurement there would give, and joins two parts as the
root of the sum of their squares, as factors (in logarithms), below and above apart:

- **the curve**: the lowest and the highest value there of all non-negative curves whose sum of
  squared errors exceeds the best one's by no more than h². Terms that the fit left out are among
  them: a curve that looks linear may be quadratic beyond the data by as much as the data let it,
  which is why the interval widens with the distance from them. The extremes are exact: each lies
  on the boundary of that set, at a subset of the terms, and all subsets are tried;
- **the measurement** itself: its error relative to the curve, h.

h = s · t is the half-width of a single error: s² is the sum of squared errors over the degrees of
freedom, k sizes less the terms of the fit, and t Student's quantile for these. With as many terms
as sizes (three) nothing would be left over, so s comes from the best fit with a term less, which
errs on the wide side. The samples' own noise is the least that h can be: 1.96 times their standard
error, as the root of the mean of its squares.

In simulations with 3 % noise, five and seven sizes and curves of one, two and three terms, the
interval holds the value at 92 to 97 % of seeds, within the data and at eight times beyond (the
tests repeat it). It knows nothing of what begins beyond the data, such as a cache that overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import inf

import numpy as np

from attnbench.analysis.interval import NORMAL, two_sided_95

TERMS = 3
LEAST_SIZES = 3
_SUBSETS = [subset for size in range(1, TERMS + 1) for subset in combinations(range(TERMS), size)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval, in the unit of what was fitted."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The ordinary least-squares fit on some of the terms, of any sign."""

    terms: tuple[int, ...]
    coefficients: np.ndarray
    error: float
    """Sum of the squared relative errors."""
    inverse: np.ndarray
    """Of the product of the transposed design with the design."""

    @property
    def is_possible(self) -> bool:
        return bool((self.coefficients >= 0).all())


class Curve:
    """A fitted cost curve over tokens."""

    def __init__(
        self, tokens: np.ndarray, values: np.ndarray, noise: np.ndarray | None = None
    ) -> None:
        """Fit values (above 0) at three token counts or more.

        `noise` is the relative standard error of each value; none for what is counted.
        """
        if len(tokens) < LEAST_SIZES:
            raise ValueError(f"a curve needs {LEAST_SIZES} sizes, got {len(tokens)}")
        self._unit = float(max(tokens))  # keeps the powers near 1
        self._design = _powers(tokens / self._unit) / values[:, None]
        self._sizes = len(tokens)
        self._parts = [_fit(self._design, terms) for terms in _SUBSETS]
        self._best = self._best_of(TERMS)
        self.error_width = self._error_width(noise)
        """h of this module: half of the 95 % interval of a measurement, relative to the curve."""

    @property
    def worst_error(self) -> float:
        """How far the farthest of the measured values lies off the curve, relative to it."""
        fitted = self._design[:, self._best.terms] @ self._best.coefficients
        return float(np.max(np.abs(1 / fitted - 1)))

    def _best_of(self, most_terms: int) -> _Part:
        possible = [p for p in self._parts if p.is_possible and len(p.terms) <= most_terms]
        return min(possible, key=lambda part: part.error)  # a single term always is possible

    def _error_width(self, noise: np.ndarray | None) -> float:
        fit = self._best_of(self._sizes - 1)
        dof = self._sizes - len(fit.terms)
        residual = two_sided_95(dof) * np.sqrt(fit.error / dof)
        sampled = 0.0 if noise is None else NORMAL * np.sqrt(np.mean(np.square(noise)))
        return float(max(residual, sampled))

    @property
    def coefficients(self) -> tuple[float, float, float]:
        """a, b, c: at no tokens, per token, per square of tokens."""
        whole = np.zeros(TERMS)
        whole[list(self._best.terms)] = self._best.coefficients
        a, b, c = whole / self._unit ** np.arange(TERMS)
        return float(a), float(b), float(c)

    def at(self, tokens: float) -> Estimate:
        """What a measurement at that many tokens would give."""
        curve = self.curve_at(tokens)
        below, above = (
            float(np.exp(np.hypot(np.log(factor), self.error_width)))
            for factor in (_ratio(curve.value, curve.low), _ratio(curve.high, curve.value))
        )
        return Estimate(value=curve.value, low=curve.value / below, high=curve.value * above)

    def curve_at(self, tokens: float) -> Estimate:
        """The curve itself, without the error of a measurement."""
        powers = _powers(np.array([tokens / self._unit]))[0]
        value = float(powers[list(self._best.terms)] @ self._best.coefficients)
        limit = self._best.error + self.error_width**2
        extremes = [e for part in self._parts for e in _extremes(part, powers, limit)]
        if limit >= self._sizes:  # so little is known that no cost at all is among the curves
            extremes.append(0.0)
        return Estimate(value=value, low=min([value, *extremes]), high=max([value, *extremes]))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else inf


def _powers(sizes: np.ndarray) -> np.ndarray:
    return np.stack([sizes**power for power in range(TERMS)], axis=-1)


def _fit(design: np.ndarray, terms: tuple[int, ...]) -> _Part:
    part = design[:, terms]
    target = np.ones(len(design))
    coefficients = np.linalg.lstsq(part, target, rcond=None)[0]
    residuals = part @ coefficients - target
    return _Part(
        terms=terms,
        coefficients=coefficients,
        error=float(residuals @ residuals),
        inverse=np.linalg.pinv(part.T @ part),
    )


def _extremes(part: _Part, powers: np.ndarray, limit: float) -> list[float]:
    """Lowest and highest value over the curves of these terms up to that error, where possible."""
    if part.error > limit:
        return []
    here = powers[list(part.terms)]
    direction = part.inverse @ here
    step = direction * np.sqrt((limit - part.error) / (here @ direction))
    ends = (part.coefficients - step, part.coefficients + step)
    return [float(here @ end) for end in ends if (end >= 0).all()]
