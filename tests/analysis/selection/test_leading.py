from __future__ import annotations

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.selection.leading import leaders, leading


def layers_of(records):
    return build(records).layers


def named(layers):
    found = {key for _, key in leading(layers)}
    return {(key.attention, key.impl, *key.options.values()) for key in found}


def test_the_fastest_implementation_stands_for_its_mechanism(layer):
    layers = layers_of(
        layer(name, side, seconds, impl=impl)
        for side in (4, 8)
        for name, impl, seconds in (
            ("dense", "reference", 2e-3), ("dense", "sdpa", 1e-3), ("window", "reference", 3e-3),
        )
    )  # fmt: skip
    assert named(layers) == {("dense", "sdpa"), ("window", "reference")}


def test_default_options_come_before_faster_ones(layer):
    layers = layers_of(
        layer("anchor", 8, seconds, options={"num_anchors": count})
        for count, seconds in ((10, 1e-3), (30, 2e-3))
    )
    assert named(layers) == {("anchor", "reference", 30)}


def test_conditions_choose_by_themselves(layer):
    layers = layers_of(
        layer("dense", 8, seconds, impl=impl, dtype=dtype)
        for dtype, impl, seconds in (
            ("float32", "reference", 1e-3), ("float32", "sdpa", 2e-3), ("float16", "sdpa", 1e-3),
        )
    )  # fmt: skip
    assert sorted((c.dtype, key.impl) for c, key in leading(layers)) == [
        ("float16", "sdpa"), ("float32", "reference"),
    ]  # fmt: skip


def test_what_was_not_measured_is_shown_by_its_first_implementation(layer):
    layers = layers_of([layer("dense", 8, status="failed", reason="x", impl="sdpa")])
    assert named(layers) == {("dense", "sdpa")}


@pytest.mark.parametrize(("slower", "rivals"), [(2.0, []), (1.02, ["window"])])
def test_a_leader_knows_who_may_be_as_fast(layer, slower, rivals):
    layers = layers_of([layer("dense", 8, 1e-3), layer("window", 8, slower * 1e-3)])
    (leader,) = leaders(layers)
    assert (leader.tokens, leader.cell.attention, leader.compared) == (64, "dense", 2)
    assert [row.attention for row in leader.rivals] == rivals


def test_one_mechanism_leads_nobody(layer):
    assert leaders(layers_of([layer("dense", 8), layer("window", 4)])) == []
