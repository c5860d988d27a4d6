from __future__ import annotations

from math import pi, sqrt

import pytest

from attnbench.analysis.growth.student import NORMAL, two_sided_95, within

# As printed in Abramowitz and Stegun, table 26.10.
PRINTED = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 10: 2.228, 30: 2.042}


@pytest.mark.parametrize("dof", PRINTED)
def test_quantiles_are_those_of_the_printed_table(dof):
    assert two_sided_95(dof) == pytest.approx(PRINTED[dof], abs=6e-4)


@pytest.mark.parametrize("dof", range(1, 60))
def test_the_quantile_inverts_the_distribution(dof):
    assert within(two_sided_95(dof), dof) == pytest.approx(0.95, abs=1e-12)


def test_one_and_two_degrees_have_elementary_forms():
    assert within(1.0, 1) == pytest.approx(0.5)  # Cauchy: its quartiles are at 1
    assert within(1.0, 2) == pytest.approx(1 / sqrt(3))


def test_many_degrees_come_to_the_normal_distribution_from_above():
    quantiles = [two_sided_95(dof) for dof in (5, 50, 500, 5000)]
    assert quantiles == sorted(quantiles, reverse=True)
    assert quantiles[-1] == pytest.approx(NORMAL, abs=1e-3)
    assert quantiles[-1] > NORMAL


def test_the_density_of_three_degrees_at_zero():
    assert within(1e-6, 3) / 2e-6 == pytest.approx(2 / (pi * sqrt(3)), rel=1e-6)


def test_none_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one degree"):
        two_sided_95(0)
