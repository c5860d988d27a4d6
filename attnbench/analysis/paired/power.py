"""Which difference of scores a plan can resolve, before it is carried out.

A true difference that is found with 80 % probability by a 95 % interval is

    (t + 0.84) · sqrt(2 s² / seeds + v / images)

- s: standard deviation of a model's score between seeds. It needs two seeds; with one, two networks
  are compared, not two models, and the first term is left out.
- v: variance over images of the difference between two networks. For accuracies it is at most the
  share of images on which one of them alone is right, and nearly that if the difference is small.
- t: Student's, with the degrees of freedom that the interval has (`difference`).

Both are taken from runs on the same images where there are some, else they are assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import median
from typing import TYPE_CHECKING

from attnbench.analysis.interval import half_of

if TYPE_CHECKING:
    from attnbench.analysis.paired.difference import Runs

POWER = 0.841621
"""The one-sided 80 % quantile of the normal distribution."""
SD_OF_SEEDS = 0.005
"""Of top-1, as a share: 0.46 points between the three seeds of seven models on Imagenette at 128 px
(`results/measured`), rounded up."""
DISCORDANT = (0.1, 0.3)
"""Shares of images on which one of two networks alone is right: much alike, and little alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What moves the scores of two models apart by chance."""

    of_images: float
    """Variance over images of the difference between two networks, for one image."""
    of_seeds: float
    """Variance of a model's score between seeds."""


def assumed(discordant: float) -> Noise:
    """The noise of two classifiers, of which one alone is right on a share of the images."""
    return Noise(of_images=discordant, of_seeds=SD_OF_SEEDS**2)


def seen_in(models: Sequence[Runs]) -> Noise | None:
    """The noise among models that were judged on the same images; None with fewer than two.

    Between images it is that of the middle pair; between seeds the mean over models with several,
    or that of a classifier where there is none.
    """
    pairs = [
        float((one.moves - other.moves) @ (one.moves - other.moves)) * one.each[0].images
        for one, other in combinations(models, 2)
        if one.samples == other.samples
    ]
    if not pairs:
        return None
    freedom = sum(one.seeds - 1 for one in models)
    squares = sum(one.of_seeds * one.seeds * (one.seeds - 1) for one in models)
    of_seeds = squares / freedom if freedom else SD_OF_SEEDS**2
    return Noise(of_images=median(pairs), of_seeds=of_seeds)


def resolvable(noise: Noise, images: int, seeds: int) -> float:
    """The true difference of scores that is found with 80 % probability, as a share.

    Args:
        noise: what moves the scores.
        images: that are held out, at least 2.
        seeds: of each of the two models.
    """
    parts: list[tuple[float, int | None]] = [(noise.of_images / images, images - 1)]
    if seeds > 1:
        parts += 2 * [(noise.of_seeds / seeds, seeds - 1)]
    return half_of(parts) + POWER * sqrt(sum(part for part, _ in parts))
