"""Curves that are fitted together: that takes a third of the time of one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from attnbench.analysis.growth.polynomial import Curve, design_of, extremes, fits

Series = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Token counts, the cost at each, and its relative standard error (see `Curve`)."""
Key = tuple[bytes | None, ...]


class ManyCurves:
    """The curve through each series; equal series share one."""

    def __init__(self, tokens: float, many: Iterable[Series] = ()) -> None:
        """Fit series of three or more sizes, and predict each at that many tokens."""
        alike: dict[int, dict[Key, Series]] = {}
        for series in many:
            alike.setdefault(len(series[0]), {})[_key(series)] = series
        self._known: dict[Key, Curve] = {}
        for group in alike.values():
            fitted = _fitted(tokens, list(group.values()))
            self._known.update(zip(group, fitted, strict=True))

    def of(self, series: Series) -> Curve:
        """The curve through a series; it is fitted alone if it was not given before."""
        key = _key(series)
        if key not in self._known:
            self._known[key] = Curve(*series)
        return self._known[key]


def _key(series: Series) -> Key:
    return tuple(None if part is None else part.tobytes() for part in series)


def _fitted(tokens: float, many: Sequence[Series]) -> list[Curve]:
    """The curves through series of equally many sizes."""
    found = fits(np.stack([design_of(sizes, values) for sizes, values, _ in many]))
    curves = [
        Curve(*series, parts=[fit.part(at) for fit in found]) for at, series in enumerate(many)
    ]
    powers = np.stack([curve.powers_at(tokens) for curve in curves])
    limits = np.array([curve.limit for curve in curves])
    ends = np.stack([end for fit in found for end in extremes(fit, powers, limits)], axis=1)
    for curve, own in zip(curves, ends.tolist(), strict=True):
        curve.remember(tokens, [end for end in own if end == end])  # without NaN
    return curves
