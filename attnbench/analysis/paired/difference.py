"""The difference of scores between two models on the same images, with its 95 % interval.

**One seed each**: two networks. The interval is about these two on other images of the kind, and
says nothing of what other seeds would give. A classifier is called better if exact McNemar has
p < 0.05 and the interval is above 0 (`one_pair`); others by the bootstrap over images.

**Several seeds each**: two models, under their recipe. A mean over seeds differs for two reasons,
and the variances of both are added:

- the seeds: s² / k of each model's mean over its k seeds;
- the images: both models are judged on the same ones, so what makes an image hard for both cancels
  (`judged`).

The quantile is that of Student's t, with degrees of freedom by Welch and Satterthwaite: few if the
seeds make most of the variance, many if the images do. The seeds are not paired: two models share
no more through a seed than the order of the batches, and pairing 3 seeds leaves 2 degrees of
freedom (t = 4.3) where two models have up to 4 (t = 2.8). Where a seed does help both models alike,
the interval is wider than it need be; so it is where a network's luck on single images enters both
variances. In simulations of 2 to 5 seeds on 200 and 1,000 images it covered 94 to 99 %. If one
model varies between seeds and the other does not, it covered 92 % with 3 seeds and 88 % with 2.
Student's t over the seeds alone, without the images, covered 63 to 97 %.

Each interval holds by itself: of 20 comparisons of equal models one is expected to mislead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import fmean, variance
from typing import Literal

import numpy as np

from attnbench.analysis.interval import half_of
from attnbench.analysis.paired.judged import Floats, Judged
from attnbench.analysis.paired.one_pair import Interval, exact_p, interval_of

Verdict = Literal["better", "worse", "equal", "cannot tell"]
LEVEL = 0.05
MOST_PAIRED = 100
"""Models that are compared in pairs: 4,950 of them take a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The score of one model minus that of another."""

    value: float
    interval: Interval | None
    """None if one of them has several seeds and the other one."""
    images: int
    seeds: tuple[int, int]
    p: float | None = None
    """Of the exact McNemar test between two classifiers."""
    alone: tuple[int, int] | None = None
    """Images that only the first, and that only the second classifies correctly."""

    @property
    def is_of_two_networks(self) -> bool:
        """Whether nothing is said of other seeds."""
        return self.seeds == (1, 1)

    @property
    def verdict(self) -> Verdict:
        """On the first of the two; higher scores are better."""
        if self.interval is None:
            return "cannot tell"
        low, high = self.interval
        if low == high == 0 or self.alone == (0, 0):
            return "equal"
        if (low <= 0 <= high) or (self.p is not None and self.p >= LEVEL):
            return "cannot tell"
        return "better" if low > 0 else "worse"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """The runs of one model on the same images, one for each seed."""

    each: tuple[Judged, ...]
    score: float
    """Mean over the seeds."""
    of_seeds: float
    """Variance of that mean through the seeds; 0 for one seed, which has none."""
    moves: Floats
    """Mean over the seeds; see `judged`."""

    @property
    def samples(self) -> str:
        """See `Judged.samples`."""
        return self.each[0].samples

    @property
    def seeds(self) -> int:
        """How many there are."""
        return len(self.each)


def runs_of(each: Sequence[Judged | None]) -> Runs | None:
    """The runs of one model; None if one has no outcomes, or they are of unlike images."""
    known = [one for one in each if one is not None]
    if len(known) < len(each) or len({one.samples for one in known}) != 1:
        return None
    scores = [one.score for one in known]
    return Runs(
        each=tuple(known),
        score=fmean(scores),
        of_seeds=variance(scores) / len(scores) if len(scores) > 1 else 0.0,
        moves=np.mean([one.moves for one in known], axis=0),
    )


def difference(first: Runs, second: Runs) -> Difference:
    """The mean score of the first model minus that of the second, on the same images."""
    if first.seeds == second.seeds == 1:
        return _of_networks(first.each[0], second.each[0])
    value, interval = first.score - second.score, None
    if min(first.seeds, second.seeds) > 1:
        half = half_width(first, second)
        interval = value - half, value + half
    return Difference(
        value=value, interval=interval, images=first.each[0].images,
        seeds=(first.seeds, second.seeds),
    )  # fmt: skip


def differences_of(models: Sequence[Runs | None]) -> dict[tuple[int, int], Interval]:
    """The interval of each pair of models, by their places, in both orders.

    Only pairs with several seeds on the same images have one: two networks say nothing of others.
    """
    found = {}
    for (one, first), (other, second) in combinations(enumerate(models), 2):
        if first is None or second is None or first.samples != second.samples:
            continue
        if min(first.seeds, second.seeds) > 1:
            value, half = first.score - second.score, half_width(first, second)
            found[one, other] = value - half, value + half
            found[other, one] = -value - half, -value + half
    return found


def half_width(first: Runs, second: Runs) -> float:
    """Half of the interval of two models with several seeds each; see the module."""
    away = first.moves - second.moves
    of_seeds = [(one.of_seeds, one.seeds - 1) for one in (first, second)]
    return half_of((*of_seeds, (float(away @ away), first.each[0].images - 1)))


def _of_networks(first: Judged, second: Judged) -> Difference:
    about = {"images": first.images, "seeds": (1, 1)}
    value = first.score - second.score
    if first.right is None or second.right is None:
        away = first.moves - second.moves  # the draws of the bootstrap, less their mean, scaled
        low, high = np.quantile(away, [0.025, 0.975]) * sqrt(len(away) - 1)
        interval = value + float(low), value + float(high)
        return Difference(value=value, interval=interval, **about)  # type: ignore[arg-type]
    counts = [int(np.sum((first.right == one) & (second.right == other)))
              for one in (True, False) for other in (True, False)]  # fmt: skip
    both, only_first, only_second, neither = counts
    return Difference(
        value=value, interval=interval_of(both, only_first, only_second, neither),
        p=exact_p(only_first, only_second), alone=(only_first, only_second),
        **about,  # type: ignore[arg-type]
    )  # fmt: skip
