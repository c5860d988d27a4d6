"""Two networks on the same images: are they equally often right, and how far are they apart?

Only the images on which one of them alone is right tell them apart. If both are right equally
often, each of these is won by either with probability 1/2: McNemar's test, here exact (binomial).
The interval of the difference is Newcombe's (Statistics in Medicine 17, 1998, 2635, method 10):
the square-and-add of two Wilson intervals with their correlation. It keeps its level at small
counts and near 0 and 1, where a normal approximation has no width, and needs no search as Tango's
score interval does.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from attnbench.analysis.interval import NORMAL

Interval = tuple[float, float]


def exact_p(first_only: int, second_only: int) -> float:
    """The two-sided p-value of the exact McNemar test.

    Args:
        first_only: images that only the first network has right.
        second_only: images that only the second has right.
    """
    from scipy.special import bdtr

    discordant = first_only + second_only
    if not discordant:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(first_only, second_only), discordant, 0.5)))


def interval_of(both: int, first_only: int, second_only: int, neither: int) -> Interval:
    """The 95 % interval of the difference of accuracies, first minus second."""
    count = both + first_only + second_only + neither
    shares = (both + first_only) / count, (both + second_only) / count
    (low_1, high_1), (low_2, high_2) = (_wilson(share, count) for share in shares)
    together = _correlation(both, first_only, second_only, neither)
    value = shares[0] - shares[1]
    below = _added(shares[0] - low_1, high_2 - shares[1], together)
    above = _added(high_1 - shares[0], shares[1] - low_2, together)
    return value - below, value + above


def _added(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one**2 + other**2 - 2 * correlation * one * other))


def _wilson(share: float, count: int) -> Interval:
    """The 95 % interval of a share of `count` images."""
    squared = NORMAL**2
    middle = share + squared / (2 * count)
    half = NORMAL * sqrt(share * (1 - share) / count + squared / (4 * count**2))
    scale = 1 + squared / count
    return (middle - half) / scale, (middle + half) / scale


def _correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Of being right, with Newcombe's correction for continuity of positive ones."""
    margins: Sequence[int] = (
        both + first_only, second_only + neither, both + second_only, first_only + neither,
    )  # fmt: skip
    product = 1.0
    for margin in margins:
        product *= margin
    if not product:
        return 0.0
    cross = float(both * neither - first_only * second_only)
    if cross > 0:
        cross = max(cross - sum(margins[:2]) / 2, 0.0)
    return cross / sqrt(product)
