"""Differences of scores on the same images: exact, or covering what is true in simulations."""

import random
from math import comb

import numpy as np
import pytest
from paired_runs import network, run_of

from attnbench.analysis.paired.difference import difference, differences_of, runs_of
from attnbench.analysis.paired.judged import judged
from attnbench.analysis.paired.one_pair import exact_p, interval_of
from attnbench.scoring.outcomes import Outcomes


@pytest.mark.parametrize("counts", [(0, 0), (0, 1), (5, 5), (3, 11), (0, 6), (40, 61)])
def test_mcnemar_is_the_binomial_test(counts):
    first, second = counts
    total, small = sum(counts), min(counts)
    tail = sum(comb(total, hits) for hits in range(small + 1)) / 2**total
    assert exact_p(first, second) == pytest.approx(min(1.0, 2 * tail))
    assert exact_p(second, first) == exact_p(first, second)


@pytest.mark.parametrize(
    "shares", [(0.7, 0.2, 0.05, 0.05), (0.94, 0.04, 0.02, 0), (0.1, 0.4, 0.4, 0.1)]
)
def test_the_interval_of_two_networks_covers_their_difference(shares):
    """2,000 draws of 60 images: 3 standard errors are 1.5 %."""
    counts = np.random.default_rng(0).multinomial(60, shares, size=2000).tolist()
    ends = np.array([interval_of(*row) for row in counts])
    true = shares[1] - shares[2]
    assert np.mean((ends[:, 0] <= true) & (true <= ends[:, 1])) > 0.95 - 0.015
    mirrored = interval_of(30, 4, 9, 17)
    assert interval_of(30, 9, 4, 17) == pytest.approx((-mirrored[1], -mirrored[0]))


def test_no_image_tells_networks_apart_and_still_other_images_might():
    low, high = interval_of(0, 0, 0, 7)
    assert low == -high < 0


def test_two_networks_differ_by_what_one_of_them_alone_gets_right():
    first = [True] * 60 + [True] * 20 + [False] * 5 + [False] * 15
    second = [True] * 60 + [False] * 20 + [True] * 5 + [False] * 15
    found = difference(network(first), network(second))
    assert (found.alone, found.value, found.images) == ((20, 5), pytest.approx(0.15), 100)
    assert found.verdict == "better"
    assert found.is_of_two_networks
    assert difference(network(second), network(first)).verdict == "worse"
    assert difference(network(first), network(first)).verdict == "equal"
    # the same accuracies on images that have nothing in common tell less
    shuffled = random.Random(0).sample(second, len(second))
    alone = difference(network(first), network(shuffled))
    assert alone.interval[1] - alone.interval[0] > found.interval[1] - found.interval[0]


def test_one_seed_against_several_and_other_images_tell_nothing():
    right = [True, False] * 10
    one, several = network(right), network(right, right[::-1])
    assert difference(one, several).interval is None
    assert difference(one, several).verdict == "cannot tell"
    others = run_of(right, images=tuple("abcdefghijklmnopqrst"))
    assert runs_of([run_of(right), others]) is None
    assert runs_of([run_of(right), None]) is None
    assert differences_of([one, several, None, runs_of([others, others])]) == {}


def test_both_orders_mirror_each_other():
    rng = np.random.default_rng(0)
    models = [network(*(rng.random((3, 50)) < share)) for share in (0.4, 0.6, 0.9)]
    found = differences_of(models)
    assert len(found) == 6
    for (one, other), (low, high) in found.items():
        assert found[other, one] == (-high, -low)
        mean = models[one].score - models[other].score
        assert (low + high) / 2 == pytest.approx(mean)


def simulated(rng, seeds, images, sd_of_seed, sd_of_luck):
    """Runs of a model: an image is right if its ease, a seed's skill and luck add up to it."""
    shared = rng.normal(size=images)

    def runs():
        ease = 0.84 * shared + 0.55 * rng.normal(size=images)
        skill = sd_of_seed * rng.normal(size=(seeds, 1))
        return network(*(ease + skill + sd_of_luck * rng.normal(size=(seeds, images)) > -0.3))

    return runs(), runs()


@pytest.mark.parametrize(
    ("seeds", "images", "sd_of_seed", "sd_of_luck"),
    [(3, 200, 0.0, 0.3), (3, 500, 0.05, 0.5), (3, 200, 0.2, 0.3), (2, 200, 0.05, 0.3),
     (5, 200, 0.1, 0.5)],
)  # fmt: skip
def test_95_percent_of_intervals_hold_the_true_difference(seeds, images, sd_of_seed, sd_of_luck):
    """Equal models: the true difference is 0. 300 trials: 3 standard errors are 3.8 %."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        low, high = difference(*simulated(rng, seeds, images, sd_of_seed, sd_of_luck)).interval
        held += low <= 0 <= high
    assert held / 300 > 0.95 - 0.038


def test_pairing_narrows_what_can_be_told():
    rng = np.random.default_rng(1)
    first, second = simulated(rng, 3, 1000, 0.02, 0.3)
    low, high = difference(first, second).interval
    apart = np.hypot(*(2 * 1.96 * np.sqrt(one.moves @ one.moves) for one in (first, second)))
    assert high - low < apart


@pytest.mark.parametrize("kind", ["boxes", "pixels"])
def test_ap_and_miou_are_resampled_together(kind):
    """A model against itself has no spread, however much each score has."""
    rng = np.random.default_rng(0)
    if kind == "pixels":
        whole = rng.integers(20, 40, size=(12, 3, 1))
        some = [np.concatenate([whole - lost, whole, whole], axis=2) for lost in (5, 12)]
        made = [Outcomes(kind=kind, images=tuple("abcdefghijkl"), arrays={"pixels": one})
                for one in some]  # fmt: skip
    else:
        made = [boxes(rng, share) for share in (0.9, 0.3)]
    good, bad = (judged(one) for one in made)
    assert good.moves @ good.moves > 0
    found = difference(runs_of([good]), runs_of([good]))
    assert (found.interval, found.verdict) == ((0, 0), "equal")
    assert difference(runs_of([good]), runs_of([bad])).verdict == "better"


def boxes(rng, share):
    """A detector that finds a share of one object in each of 30 pictures, and errs in others."""
    hit = rng.random(30) < share
    order = np.argsort(-(scores := rng.random(30).astype("float32")))
    bits = np.where(hit, 1023, 0).astype("uint16")
    return Outcomes(
        kind="boxes",
        images=tuple(map(str, range(30))),
        arrays={
            "scores": scores[order],
            "pictures": np.arange(30, dtype="int32")[order],
            "labels": np.zeros(30, dtype="int32"),
            "right": bits[order],
            "wrong": (1023 - bits)[order],
            "objects": np.ones((30, 1), dtype="int32"),
        },
    )
