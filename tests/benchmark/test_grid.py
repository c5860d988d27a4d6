"""Grids of cells."""

import pytest

from attnbench.attention.factory import attention_class
from attnbench.benchmark.grid import BEST, FAMILIES, layer_workloads
from attnbench.errors import UserError


def test_only_mechanisms_with_anchors_are_crossed_with_their_counts():
    cells = layer_workloads(FAMILIES, [(4, 4), (8, 8)], [10, 30], impls=["reference"])
    assert len(cells) == 2 * (3 + 2)
    assert {c.attention for c in cells if c.options} == {"anchor"}
    assert [c.options["num_anchors"] for c in cells if c.options] == [10, 30, 10, 30]


def test_by_default_each_mechanism_runs_the_impls_that_it_has():
    cells = layer_workloads(FAMILIES, [(4, 4)], [30])
    assert {c.impl for c in cells if c.attention == "dense"} == {"reference", "sdpa"}
    assert {c.impl for c in cells if c.attention == "anchor"} == {"reference", "folded"}


def test_an_impl_that_was_asked_for_gives_a_cell_everywhere():
    cells = layer_workloads(FAMILIES, [(4, 4)], [30], impls=["sdpa"])
    assert [c.impl for c in cells] == ["sdpa"] * 4


def test_best_stands_for_all_impls_of_each_mechanism():
    cells = layer_workloads(FAMILIES, [(4, 4)], [10, 30], impls=[BEST])
    for name in FAMILIES:
        impls = [c.impl for c in cells if c.attention == name and c.options != {"num_anchors": 30}]
        assert impls == list(attention_class(name).impls)


def test_unknown_names_are_refused_before_anything_is_built():
    with pytest.raises(UserError, match="did you mean anchor"):
        layer_workloads(["dense", "ancor"], [(4, 4)], [30])


def test_an_impl_that_nobody_has_is_refused_with_those_there_are():
    message = r"none of dense, anchor has 'sdap'; they have reference, sdpa, .*, folded, chunked"
    with pytest.raises(UserError, match=message):
        layer_workloads(["dense", "anchor"], [(4, 4)], [30], impls=["sdpa", "sdap"])
