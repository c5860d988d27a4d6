"""Two numbers agree if their digits allow a common value; nothing else decides."""

import random

import pytest

from attnbench.errors import UserError
from attnbench.reproduce.span import (
    Span,
    combined,
    exact,
    is_possible,
    largest,
    least,
    magnitude,
    nearest,
    printed,
)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("46.7", 46.65, 46.75), ("2", 1.5, 2.5), ("0.00", -0.005, 0.005), ("-2.08", -2.085, -2.075)],
)
def test_a_printed_number_stands_for_all_that_round_to_it(text, low, high):
    span = printed(text)
    assert (span.low, span.high) == (pytest.approx(low), pytest.approx(high))
    assert not span.is_exact
    with pytest.raises(UserError, match="expected a number"):
        printed("-")


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_rounding_a_true_number_never_makes_a_true_claim_fail(digits):
    """Ratios of rounded numbers always meet the rounded ratio of the true ones."""
    draw = random.Random(digits)
    for _ in range(200):
        base, own = (draw.uniform(1.5, 99) for _ in range(2))
        rounded = [printed(f"{value:.{digits}f}") for value in (base, own)]
        ratio = combined(lambda b, o: 100 * (o / b - 1), *rounded)
        claimed = printed(f"{100 * (own / base - 1):.1f}")
        assert claimed.meets(ratio)
        assert ratio.meets(claimed)
        assert ratio.low <= ratio.value <= ratio.high


def test_what_digits_exclude_does_not_meet():
    fall = combined(lambda b, o: 100 * (1 - o / b), printed("221.6"), printed("193.7"))
    assert not fall.meets(printed("14.4"))
    assert fall.meets(printed("12.6"))
    assert printed("82.17").meets(exact(82.1749))
    assert not printed("82.17").meets(exact(82.1751))


def test_a_bound_holds_if_some_allowed_value_is_below_it():
    wide = combined(lambda b, o: 100 * (1 - o / b), printed("1.3"), printed("0.7"))
    assert is_possible(wide, exact(42.1)).holds  # 40.0 to 51.9
    assert not is_possible(wide, exact(39.9)).holds
    assert not is_possible(printed("28.5"), exact(14.9)).holds


def test_extremes_magnitude_and_the_nearest():
    spans = printed("1.0"), printed("-3"), exact(0.98)
    assert (least(*spans).value, largest(*spans).value) == (-3, 1.0)
    assert least(*spans).low == -3.5
    assert magnitude(printed("-3")) == Span(low=2.5, value=3, high=3.5)
    assert magnitude(printed("-0.1")).low == pytest.approx(0.05)
    assert magnitude(printed("0.0")).low == 0
    assert nearest(printed("1.0"), exact(1.06), exact(0.96)) == exact(0.96)
