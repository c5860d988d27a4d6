"""Bounds hold for every mechanism, closed forms equal counts, and the page has these numbers."""

from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.reproduce.counting import at, count
from attnbench.reproduce.saving_checks import printed_fall, side_of_printed_saving
from attnbench.reproduce.savings import (
    NUM_ANCHORS,
    bounds,
    deit,
    levit_bounds,
    reached_at,
    saving,
    table,
)
from attnbench.reproduce.trunk import Trunk

pytestmark = pytest.mark.usefixtures("counted_by_torch")

PAGE = Path(__file__).parents[2] / "docs" / "savings.md"
SIDES = [48, 224, 272, 1040]


@pytest.mark.parametrize("size", ["t", "s", "b"])
@pytest.mark.parametrize("side", SIDES)
def test_what_forms_keys_and_values_stays_below_the_first_bound(size, side):
    trunk, most = deit(size, side), bounds(deit(size, side))
    assert 0 < most.kept < most.removed < 1
    dense = trunk.macs("dense")
    for attention, anchors in (("dense-shared-qk", None), ("anchor", 1), ("anchor", 30)):
        assert 1 - trunk.macs(attention, anchors) / dense < most.kept
    assert saving(trunk, "folded", 1) < most.removed


def test_the_folded_order_exceeds_the_bound_with_keys_and_values():
    for size in "tsb":
        assert saving(deit(size), "folded") > bounds(deit(size)).kept


@pytest.mark.parametrize(("size", "kept", "removed"), [("t", 21.2, 42.1), ("s", 15.4, 38.1),
                                                       ("b", 12.0, 35.8)])  # fmt: skip
def test_bounds_equal_those_worked_out_by_hand(size, kept, removed):
    most = bounds(deit(size))
    assert 100 * most.kept == pytest.approx(kept, abs=0.05)
    assert 100 * most.removed == pytest.approx(removed, abs=0.05)


@pytest.mark.parametrize(("size", "alike", "without"), [("t", 29.1, 29.5), ("s", 24.0, 24.3),
                                                        ("b", 21.0, 21.4)])  # fmt: skip
def test_leaving_out_the_class_token_as_well_seems_to_save_more(size, alike, without):
    trunk = deit(size)
    averaged = replace(trunk, num_prefix_tokens=0)
    seeming = 1 - averaged.macs("anchor", NUM_ANCHORS, "folded") / trunk.macs("dense")
    assert 100 * saving(trunk, "folded") == pytest.approx(alike, abs=0.05)
    assert 100 * seeming == pytest.approx(without, abs=0.05)


def test_levit_leaves_room_for_the_printed_savings_only_without_attention():
    for width in ("128", "384"):  # the least and the most restrictive
        most = levit_bounds(width)
        assert most.kept < 0.285 < 0.40 < most.removed < 0.48


@pytest.mark.parametrize(
    ("model", "impl", "attention", "prefix"),
    [("deit-t", "", "dense", 1), ("anchor-deit-t", "", "anchor", 2),
     ("anchor-deit-t", "folded", "anchor", 2)],
)  # fmt: skip
def test_closed_forms_with_prefix_tokens_equal_counts(model, impl, attention, prefix):
    record = count(at(model, 208, impl))
    trunk = Trunk(size="t", grid=(13, 13), num_prefix_tokens=prefix)
    anchors = None if attention == "dense" else NUM_ANCHORS
    stated = trunk.macs(attention, anchors, impl or "reference")
    assert record.macs.products_macs == stated, record.reason


@pytest.mark.parametrize("impl", ["reference", "folded"])
def test_the_side_that_reaches_a_saving_is_the_smallest(impl):
    for size in "ts":
        share = printed_fall(size, "flops_G").value / 100
        side = side_of_printed_saving(size, impl)
        assert side % 16 == 0
        assert saving(deit(size, side), impl) >= share > saving(deit(size, side - 16), impl)
    assert reached_at(0.99, "b", impl, num_anchors=100) is None


def test_more_anchors_save_less_and_larger_images_more():
    trunk = deit("t")
    for impl in ("reference", "folded"):
        savings = [saving(trunk, impl, m) for m in (1, 10, 30, 100)]
        assert savings == sorted(savings, reverse=True)
        grown = [saving(replace(trunk, grid=(g, g)), impl) for g in (7, 14, 31, 64)]
        assert grown == sorted(grown)


def test_the_page_has_the_numbers_of_this_tree():
    page = PAGE.read_text(encoding="utf-8")
    for line in table():
        assert line in page, "run `python scripts/savings.py` and put its table into the page"
