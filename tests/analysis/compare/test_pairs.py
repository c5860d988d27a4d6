"""Pairing of cells, before and after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.compare.pairs import Side, pair
from attnbench.errors import UserError
from attnbench.records import CostRecord, of_type


def paired(before, after, **options):
    sides = (Side(name=name, records=of_type(records, CostRecord))
             for name, records in (("A", before), ("B", after)))  # fmt: skip
    return pair(*sides, **options)


def test_the_newest_of_each_cell_is_taken_whatever_code_and_recipe(layer, model, epoch, cpu):
    new_code = replace(cpu, code="new", attnbench="0.2.0", python="3.13")
    old, again, trained = layer(seconds=1.0, at=1), layer(at=2), model(seed=0)
    after = [layer(env=new_code, at=9), model(seed=1, recipe={"epochs": 9}), epoch(1), epoch(2)]
    pairs = paired([again, old, trained, epoch(1)], after)
    assert pairs.both == ((again, after[0]), (trained, after[1]))
    assert (pairs.overtaken, pairs.only_before, pairs.only_after) == (1, (), ())


def test_a_cell_without_partner_is_kept_apart(layer):
    pairs = paired([layer(), layer("anchor")], [layer("window"), layer()])
    assert (pairs.only_before, pairs.only_after) == ((layer("anchor"),), (layer("window"),))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("device_name", "Other CPU", "device name is Test CPU in A, Other CPU in B"),
        ("threads", 4, "threads is 2 in A, 4 in B"),
        ("torch", "2.14.0", "torch is 2.15.0 in A, 2.14.0 in B"),
        ("cuda", "13.0", "cuda is none in A, 13.0 in B"),
    ],
)
def test_unlike_environments_are_refused_unless_asked_for(layer, cpu, field, value, said):
    before, after = [layer()], [layer(env=replace(cpu, **{field: value}))]
    with pytest.raises(UserError, match=said) as refusal:
        paired(before, after)
    assert "--across-environments" in str(refusal.value)
    assert paired(before, after, across_environments=True).both == ((before[0], after[0]),)


def test_only_what_differs_is_named(layer, cpu, gpu):
    with pytest.raises(UserError) as refusal:
        paired([layer()], [layer(env=gpu)])
    assert "device is cpu in A, cuda in B" in str(refusal.value)
    assert "torch" not in str(refusal.value)


def test_each_cell_finds_its_own_environment_first(layer, gpu):
    both = [layer(seconds=1e-3), layer(seconds=1e-5, env=gpu)]
    pairs = paired(both, list(reversed(both)), across_environments=True)
    assert pairs.both == tuple((record, record) for record in both)
    assert paired(both, both[:1]).only_before == (both[1],)


def test_an_unlike_rest_is_refused_though_others_are_alike(layer, gpu):
    with pytest.raises(UserError, match="1 cell was measured in different environments"):
        paired([layer(), layer("anchor")], [layer(), layer("anchor", env=gpu)])


def test_nothing_in_common_says_what_each_side_holds(layer, epoch):
    with pytest.raises(UserError, match="A holds 1 cell .*dense") as refusal:
        paired([layer()], [layer("anchor"), layer("window")])
    assert "B holds 2 cells (the first: anchor (reference), 4 × 4 tokens" in str(refusal.value)
    with pytest.raises(UserError, match="B holds no layers or models"):
        paired([layer()], [epoch(1)])
