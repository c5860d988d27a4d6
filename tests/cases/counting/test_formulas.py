"""Operators that nobody can count are named, with the way out; a user's formula is said."""

import pytest

import attnbench
from attnbench.profiling.counting.macs import CountError
from attnbench.profiling.macs import register_macs_formula

TRANSFORMS = ("fft_rfft2", "fft_irfft2", "_fft_r2c", "_fft_c2r", "_fft_c2c")
FREE = tuple(f"aten::{name}" for name in TRANSFORMS)


@pytest.mark.parametrize(
    ("name", "operator"),
    [("fourier", "aten::_fft_c2r, aten::_fft_r2c"), ("sampled", "torchvision::deform_conv2d")],
)
def test_an_operator_without_a_formula_is_named_with_how_to_give_one(count, name, operator):
    advice = r'attnbench.register_macs_formula\("'
    with pytest.raises(CountError, match=f"no formula for {operator}; give one with {advice}"):
        count(name)


def test_both_doors_lead_to_the_same_function():
    assert attnbench.register_macs_formula is register_macs_formula


def test_a_formula_of_zero_is_said(count, formulas):
    for name in FREE:
        register_macs_formula(name, lambda inputs, outputs: 0)
    found = count("fourier")
    assert found.numbers == (7_225_344, 3 * 7_225_344)
    assert found.notes == (
        "Fourier transforms: 0 by your formula (aten::_fft_c2r, aten::_fft_r2c)",
    )


def test_a_formula_counts_and_is_said(count, formulas):
    register_macs_formula(
        "torchvision::deform_conv2d",
        lambda inputs, outputs: outputs[0].numel() * inputs[1][1:].numel(),
    )
    register_macs_formula(
        "torchvision::_deform_conv2d_backward",
        lambda inputs, outputs: 2 * inputs[0].numel() * inputs[2][1:].numel(),
    )
    found = count("sampled")
    assert found.numbers == (71_124_480, 3 * 71_124_480)
    assert found.macs.by_formula == ("torchvision::deform_conv2d",)
    assert "counted by your formula: torchvision::deform_conv2d" in found.notes


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (lambda inputs, outputs: -1, "gave -1; expected a whole number"),
        (lambda inputs, outputs: 0.5, "gave 0.5; expected a whole number"),
        (lambda inputs, outputs: None, "gave None; expected a whole number"),
        (lambda inputs, outputs: inputs[7], "raised IndexError: .*it was given inputs"),
    ],
)
def test_a_formula_that_gives_no_count_is_named(count, formulas, formula, said):
    for name in FREE:
        register_macs_formula(name, formula)
    with pytest.raises(CountError, match=f"your formula for aten::_fft_r2c {said}"):
        count("fourier")


@pytest.mark.parametrize("operator", ["aten::bmm", "aten::matmul", "quantized::linear"])
def test_no_formula_changes_the_count_of_the_others(operator):
    with pytest.raises(attnbench.UserError, match=f"{operator} is counted already"):
        register_macs_formula(operator, lambda inputs, outputs: 0)
