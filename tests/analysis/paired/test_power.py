"""What a plan can resolve: the formula against drawn experiments."""

import numpy as np
import pytest
from paired_runs import network

from attnbench.analysis.interval import half_of
from attnbench.analysis.paired.power import Noise, assumed, resolvable, seen_in


def test_more_images_resolve_more_and_one_seed_leaves_the_seeds_out():
    noise = assumed(0.2)
    few, many = (resolvable(noise, images, 3) for images in (100, 10_000))
    assert few > 5 * many
    # 2.80 standard errors of sqrt(0.2 / 10,000)
    assert resolvable(noise, 10_000, 1) == pytest.approx(0.01252, abs=1e-4)
    still = Noise(of_images=0.2, of_seeds=0.0)
    assert resolvable(still, 10_000, 3) == pytest.approx(resolvable(noise, 10_000, 1))


def test_a_difference_of_that_size_is_found_four_times_in_five():
    """Normal scores with known noise and 3 seeds; 800 trials: 3 standard errors are 4.2 %."""
    noise, images, seeds = Noise(of_images=0.2, of_seeds=0.0001), 500, 3
    true, of_images = resolvable(noise, images, seeds), noise.of_images / images
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(800):
        scores = rng.normal(0, noise.of_seeds**0.5, size=(2, seeds))
        away = true + scores[0].mean() - scores[1].mean() + rng.normal(0, of_images**0.5)
        of_seeds = [(one.var(ddof=1) / seeds, seeds - 1) for one in scores]
        found += away > half_of([*of_seeds, (of_images, images - 1)])
    assert found / 800 == pytest.approx(0.8, abs=0.05)


def test_noise_is_seen_in_runs_of_the_same_images():
    assert seen_in([]) is None
    rng = np.random.default_rng(0)
    ease = rng.random(400)
    models = [network(*(ease + 0.3 * rng.random((3, 400)) < share)) for share in (0.5, 0.6)]
    noise = seen_in(models)
    right = [np.mean([one.right for one in model.each], axis=0) for model in models]
    assert noise.of_images == pytest.approx(np.var(right[0] - right[1], ddof=1))
    spread = [np.var([one.score for one in model.each], ddof=1) for model in models]
    assert noise.of_seeds == pytest.approx(np.mean(spread))
