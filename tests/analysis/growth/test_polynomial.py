from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from attnbench.analysis.growth.many_curves import ManyCurves
from attnbench.analysis.growth.polynomial import Curve, _powers, fits

SIZES = np.array([196.0, 576.0, 1024.0, 2304.0, 4096.0])
MANY = np.array([64.0, 196.0, 400.0, 784.0, 1024.0, 2304.0, 4096.0])
SHAPES = {
    "all three terms": (1e-4, 2e-7, 3e-10),
    "constant": (1e-3, 0.0, 0.0),
    "linear": (1e-4, 1e-6, 0.0),
    "quadratic": (0.0, 0.0, 1e-9),
    "mostly overhead": (1e-3, 1e-7, 1e-12),
}
NOISE = 0.03


def cost(shape, tokens):
    a, b, c = shape
    return a + b * tokens + c * tokens**2


def noisy(generator, shape, tokens):
    return cost(shape, tokens) * (1 + NOISE * generator.standard_normal(np.shape(tokens)))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_data_from_the_model_give_the_model_back(shape):
    curve = Curve(SIZES, cost(shape, SIZES))
    assert curve.coefficients == pytest.approx(shape, rel=1e-6, abs=1e-15)
    for tokens in (100.0, 1000.0, 60_000.0):
        estimate = curve.at(tokens)
        assert estimate.value == pytest.approx(cost(shape, tokens))
        assert (estimate.low, estimate.high) == pytest.approx((estimate.value,) * 2, rel=1e-5)


def test_units_of_cost_and_of_size_do_not_matter():
    values = noisy(np.random.default_rng(1), SHAPES["all three terms"], SIZES)
    one, other = Curve(SIZES, values).at(9000), Curve(10 * SIZES, 1e6 * values).at(90_000)
    assert (other.value, other.low, other.high) == pytest.approx(
        (1e6 * one.value, 1e6 * one.low, 1e6 * one.high)
    )


def test_no_term_is_below_zero_where_plain_least_squares_would_have_one():
    falling = np.array([5.0, 4.0, 3.5, 3.2, 3.0])
    a, b, c = Curve(SIZES, falling).coefficients
    assert (b, c) == (0.0, 0.0)
    # One term alone: the least squares of a/y - 1 have a in closed form.
    assert a == pytest.approx(np.sum(1 / falling) / np.sum(1 / falling**2))


def test_no_other_non_negative_curve_fits_better():
    values = noisy(np.random.default_rng(2), SHAPES["all three terms"], SIZES)
    best = np.array(Curve(SIZES, values).coefficients)

    def error(coefficients):
        return np.sum((cost(coefficients, SIZES) / values - 1) ** 2)

    scale = np.array([1e-5, 1e-8, 1e-11])
    for steps in product((-1, 0, 1), repeat=3):
        other = np.maximum(best + 0.1 * scale * np.array(steps), 0)
        assert error(other) >= error(best) - 1e-15


def test_extremes_are_those_of_a_search_over_all_possible_curves():
    generator = np.random.default_rng(3)
    values = noisy(generator, SHAPES["linear"], SIZES)
    curve = Curve(SIZES, values)
    at = curve.curve_at(30_000)
    best = np.array(curve.coefficients)
    limit = np.sum((cost(best, SIZES) / values - 1) ** 2) + curve.slack
    inside = []
    for _ in range(200_000 // 50):
        tried = generator.uniform(0, 1, (50, 3)) * [4e-4, 2e-6, 2e-10]
        errors = [np.sum((cost(t, SIZES) / values - 1) ** 2) for t in tried]
        inside += [cost(t, 30_000) for t, e in zip(tried, errors, strict=True) if e <= limit]
    assert len(inside) > 100
    assert at.low <= min(inside)
    assert max(inside) <= at.high
    assert max(inside) - min(inside) > 0.7 * (at.high - at.low)  # and not far inside either


LADDERS = {
    "3 sizes": SIZES[[0, 2, 4]], "5 sizes": SIZES, "7 sizes": MANY,
    "9 sizes": np.array([64.0, 100, 196, 324, 576, 784, 1024, 2304, 4096]),
}  # fmt: skip


def shifted(generator, shape, tokens):
    """With a skewed shift at each size, as a session or a busy moment would give."""
    noise = generator.standard_normal(np.shape(tokens)) + generator.exponential(1, np.shape(tokens))
    return cost(shape, tokens) * np.exp(NOISE * (noise - np.log(2)))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("sizes", LADDERS.values(), ids=LADDERS)
@pytest.mark.parametrize("noise", [noisy, shifted])
def test_the_interval_covers_what_would_be_measured_as_often_as_it_says(shape, sizes, noise):
    generator = np.random.default_rng(0)
    tokens = 8 * sizes[-1]
    measured = 0
    for _ in range(100):
        curve = Curve(sizes, noise(generator, shape, sizes), np.full(len(sizes), NOISE))
        whole = curve.at(tokens)
        measured += whole.low <= noise(generator, shape, tokens) <= whole.high
    assert measured >= 88  # 93 % of 100 seeds, but for two standard errors


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_interval_never_narrows_away_from_the_data(shape):
    curve = Curve(SIZES, noisy(np.random.default_rng(5), shape, SIZES))
    widths = [
        estimate.high / estimate.low
        for estimate in (curve.at(times * SIZES[-1]) for times in (1, 2, 4, 8, 16))
    ]
    assert widths == sorted(widths)
    assert curve.at(4096).high / curve.at(4096).low > 1.0


def test_what_looks_linear_may_be_quadratic_beyond():
    curve = Curve(SIZES, noisy(np.random.default_rng(0), SHAPES["linear"], SIZES))
    near, far = curve.at(4096), curve.at(16 * 4096)
    assert far.high / far.value - 1 > 10 * (near.high / near.value - 1)


def test_noise_of_the_samples_is_the_least_that_the_width_can_be():
    values = cost(SHAPES["all three terms"], SIZES)
    assert Curve(SIZES, values).error_width == pytest.approx(0, abs=1e-9)
    assert Curve(SIZES, values, np.full(5, 0.1)).error_width == pytest.approx(0.196, rel=1e-4)


def test_three_sizes_are_enough_and_know_little():
    generator = np.random.default_rng(0)
    three = SIZES[[0, 2, 4]]
    hits = 0
    for _ in range(200):
        curve = Curve(three, noisy(generator, SHAPES["all three terms"], three))
        estimate = curve.at(2000)
        hits += estimate.low <= cost(SHAPES["all three terms"], 2000) <= estimate.high
    assert hits >= 190
    with pytest.raises(ValueError, match="needs at least 3 sizes, got 2"):
        Curve(three[:2], three[:2])


def test_the_worst_error_is_told():
    values = cost(SHAPES["linear"], MANY)
    assert Curve(MANY, values).worst_error == pytest.approx(0, abs=1e-9)
    values[3] *= 2
    assert Curve(MANY, values).worst_error > 0.3


def test_fits_on_all_subsets_equal_those_of_least_squares_also_where_powers_are_alike():
    for tokens in ([49, 196, 784, 3136], [1, 2, 2**24], [2**24 - 2, 2**24 - 1, 2**24]):
        sizes = np.array(tokens, dtype=float)
        design = _powers(sizes / max(sizes)) / (1 + sizes + sizes**1.5)[:, None]
        parts = [fit.part(0) for fit in fits(design[None])]
        assert len({frozenset(part.terms) for part in parts}) == 7
        for part in parts:
            columns = design[:, list(part.terms)]
            best = np.linalg.lstsq(columns, np.ones(len(sizes)), rcond=None)[0]
            error = float(((columns @ best - 1) ** 2).sum())
            assert part.error <= error * (1 + 1e-6) + 1e-9


def test_curves_that_are_fitted_together_are_those_of_each_alone():
    generator = np.random.default_rng(3)
    alike = np.array([2**24 - 2, 2**24 - 1, 2**24], dtype=float)
    every = [
        (sizes, noisy(generator, shape, sizes), noise and np.full(len(sizes), noise))
        for sizes in (SIZES, MANY, alike)
        for shape in SHAPES.values()
        for noise in (None, NOISE)
    ]
    together = ManyCurves(5000.0, every)
    for series in every:
        alone = Curve(*series)
        assert together.of(series).at(5000.0) == alone.at(5000.0)
        assert together.of(series).coefficients == alone.coefficients
