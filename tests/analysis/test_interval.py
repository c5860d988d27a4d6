"""Quantiles of Student's t, and the interval of a mean."""

from __future__ import annotations

from math import sqrt
from statistics import stdev

import pytest

from attnbench.analysis.interval import NORMAL, mean_of, two_sided_95


@pytest.mark.parametrize(("dof", "printed"), [(1, 12.706), (2, 4.303), (5, 2.571), (30, 2.042)])
def test_quantiles_are_those_of_printed_tables(dof, printed):
    assert two_sided_95(dof) == pytest.approx(printed, abs=5e-4)


def test_many_degrees_of_freedom_are_normal():
    assert two_sided_95(10**7) == pytest.approx(NORMAL, abs=1e-5)
    with pytest.raises(ValueError, match="at least one degree of freedom"):
        two_sided_95(0)


def test_the_interval_of_a_mean_is_t_times_its_standard_error():
    values = [0.4, 0.5, 0.75]
    mean = mean_of(values)
    assert mean.value == pytest.approx(0.55)
    assert mean.half_width == pytest.approx(4.3027 * stdev(values) / sqrt(3), rel=1e-4)
    assert mean.interval == (mean.value - mean.half_width, mean.value + mean.half_width)


def test_one_value_tells_no_spread():
    assert (mean_of([0.5]).value, mean_of([0.5]).half_width, mean_of([0.5]).interval) == (
        0.5, None, None,
    )  # fmt: skip
