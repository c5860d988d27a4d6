"""When two results are the same."""

import pytest
import torch

from attnbench.profiling.honesty.compare import (
    TOLERANCE,
    distance,
    says_nothing,
    share_not_finite,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rounding_is_no_difference_and_a_wrong_tenth_is_one(dtype):
    exact = torch.randn(50, 40, dtype=torch.float64)
    assert distance((exact * (1 + 1e-7)).to(dtype), exact.to(dtype)).within(dtype)
    wrong = exact.clone()
    wrong[:5] = torch.randn(5, 40)
    assert not distance(wrong.to(dtype), exact.to(dtype)).within(dtype)


def test_one_wrong_element_and_many_small_errors_are_both_found():
    exact = torch.ones(1000)
    one, many = exact.clone(), exact.clone()
    one[7] += 2 * TOLERANCE[torch.float32]
    many[::2] *= 1 + 4 * TOLERANCE[torch.float32]
    assert not distance(one, exact).within(torch.float32)
    assert not distance(many, exact).within(torch.float32)


def test_beside_zeros_any_difference_is_infinite():
    assert distance(torch.full((4,), 1e-30), torch.zeros(4)).relative == float("inf")
    assert distance(torch.zeros(4), torch.zeros(4)).within(torch.float32)


def test_other_dtypes_must_be_equal():
    assert distance(torch.arange(4), torch.arange(4)).within(torch.int64)
    assert not distance(torch.arange(4), torch.zeros(4, dtype=torch.int64)).within(torch.int64)


def test_elements_that_are_not_finite_must_be_the_same_but_for_a_few():
    exact = torch.randn(1000)
    exact[:100] = float("inf")
    few, many, sign = exact.clone(), exact.clone(), exact.clone()
    few[100:105] = float("nan")
    many[100:200] = float("nan")
    sign[:50] = float("-inf")
    assert share_not_finite(exact) == pytest.approx(0.1)
    assert distance(exact.clone(), exact).within(torch.float32)
    assert distance(few, exact).within(torch.float32)
    assert not distance(many, exact).within(torch.float32)
    assert not distance(sign, exact).within(torch.float32)


@pytest.mark.parametrize(
    ("tensor", "nothing"),
    [
        (torch.zeros(2, 3, 4), True),
        (torch.ones(1, 10), True),
        (torch.randn(4).expand(2, 3, 4), True),  # every token is the same
        (torch.randn(2, 3, 4), False),
        (torch.randn(1, 10), False),
        (torch.empty(0, 4), False),
    ],
)
def test_what_shows_no_input(tensor, nothing):
    assert says_nothing(tensor) == nothing
