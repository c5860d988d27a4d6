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

from dataclasses import dataclass
from math import inf, sqrt

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


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The ordinary least-squares fit on a subset of the terms; coefficients may be negative."""

    terms: tuple[int, ...]
    coefficients: np.ndarray
    error: float
    """Sum of the squared relative errors."""
    root: np.ndarray
    """W with W Wᵀ = (XᵀX)⁻¹, of the design matrix X."""
    is_possible: bool
    """Whether no coefficient is negative."""


class Curve:
    """A fitted cost curve over tokens."""

    def __init__(
        self, tokens: np.ndarray, values: np.ndarray, noise: np.ndarray | None = None
    ) -> None:
        """Fit values (above 0) at three or more token counts.

        Args:
            tokens: the token counts.
            values: the cost at each.
            noise: relative standard error of each value; None for counted values.
        """
        if len(tokens) < LEAST_SIZES:
            raise ValueError(f"a curve needs at least {LEAST_SIZES} sizes, got {len(tokens)}")
        self._unit = float(max(tokens))  # keeps the powers near 1
        self._design = _powers(tokens / self._unit) / values[:, None]
        self._sizes = len(tokens)
        self._parts = _fits(self._design)
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

    def _best_of(self, most_terms: int) -> _Part:
        possible = [p for p in self._parts if p.is_possible and len(p.terms) <= most_terms]
        return min(possible, key=lambda part: part.error)  # single terms are never negative

    def _scatter(self) -> tuple[float, int]:
        """The variance of the residuals, s², and its degrees of freedom."""
        fit = self._best_of(self._sizes - 1)
        dof = self._sizes - len(fit.terms)
        return fit.error / dof, dof

    @property
    def coefficients(self) -> tuple[float, float, float]:
        """a, b, c: constant, per token, per token squared."""
        whole = np.zeros(TERMS)
        whole[list(self._best.terms)] = self._best.coefficients
        a, b, c = whole / self._unit ** np.arange(TERMS)
        return float(a), float(b), float(c)

    def at(self, tokens: float) -> Estimate:
        """The cost at that many tokens, with the interval of a measurement."""
        if tokens not in self._known:
            self._known[tokens] = self._estimate(tokens)
        return self._known[tokens]

    def _estimate(self, tokens: float) -> Estimate:
        curve = self.curve_at(tokens)
        below, above = (
            float(np.exp(np.hypot(np.log(factor), self.error_width)))
            for factor in (_ratio(curve.value, curve.low), _ratio(curve.high, curve.value))
        )
        return Estimate(value=curve.value, low=curve.value / below, high=curve.value * above)

    def curve_at(self, tokens: float) -> Estimate:
        """The curve at that many tokens, with its own interval: without measurement error."""
        powers = _powers(np.array([tokens / self._unit]))[0]
        value = float(powers[list(self._best.terms)] @ self._best.coefficients)
        limit = self._best.error + self.slack
        extremes = [e for part in self._parts for e in _extremes(part, powers, limit)]
        if limit >= self._sizes:  # the data do not even exclude a cost of zero
            extremes.append(0.0)
        return Estimate(value=value, low=min([value, *extremes]), high=max([value, *extremes]))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else inf


def _powers(sizes: np.ndarray) -> np.ndarray:
    return np.stack([sizes**power for power in range(TERMS)], axis=-1)


def _fits(design: np.ndarray) -> list[_Part]:
    """The fits on all subsets of the terms, small ones first.

    X = Q R, so the coefficients are R⁻¹ Qᵀ 1. Of R and its inverse, the upper left corners belong
    to the first terms, so that one decomposition of each order serves all subsets.
    """
    ordered = design[:, _ORDERS].swapaxes(0, 1)  # orders, sizes, terms
    q, r = np.linalg.qr(ordered)
    roots, target = _inverse(r), q.sum(axis=1)
    parts = []
    for count in range(1, TERMS + 1):
        first = roots[:, :count, :count]
        coefficients = (first @ target[:, :count, None])[..., 0]
        residuals = (ordered[..., :count] @ coefficients[..., None])[..., 0] - 1
        errors, possible = (residuals**2).sum(axis=-1), (coefficients >= 0).all(axis=-1)
        for i in range(len(_ORDERS) if count < TERMS else 1):  # all terms are one subset
            parts.append(
                _Part(
                    terms=tuple(_ORDERS[i, :count]), coefficients=coefficients[i],
                    error=float(errors[i]), root=first[i], is_possible=bool(possible[i]),
                )
            )  # fmt: skip
    return parts


def _inverse(triangles: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.inv(triangles)
    except np.linalg.LinAlgError:  # neighbouring sizes so large that their powers are alike
        return np.linalg.pinv(triangles)


def _extremes(part: _Part, powers: np.ndarray, limit: float) -> list[float]:
    """The lowest and highest value of curves on these terms with at most that error.

    Empty if there are none; ends with a negative coefficient are left out.
    """
    if part.error > limit:
        return []
    here = powers[list(part.terms)]
    half = here @ part.root
    step = part.root @ half * np.sqrt((limit - part.error) / (half @ half))
    ends = (part.coefficients - step, part.coefficients + step)
    return [float(here @ end) for end in ends if (end >= 0).all()]
