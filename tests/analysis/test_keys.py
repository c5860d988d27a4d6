"""Keys are compared by value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.keys import Shared, conditions_of, implementation_of
from attnbench.spec import Workload


def test_keys_of_equal_facts_are_equal_and_one_object_when_shared(layer, cpu):
    new_code = replace(cpu, code="new", attnbench="9")
    one, same = conditions_of(layer()), conditions_of(layer("window", 8, env=new_code))
    assert one == same
    assert hash(one) == hash(same)
    shared = Shared()
    assert shared.one(one) is shared.one(same)


@pytest.mark.parametrize(
    "change",
    [
        {"batch": 2},
        {"dtype": "float16"},
        {"mode": "train"},
        {"dim": 96},
        {"num_heads": 1},
        {"seed": 1},
    ],
)
def test_every_condition_counts(layer, change):
    assert conditions_of(layer()) != conditions_of(layer(**change))


def test_conditions_of_any_mode_join_forward_and_train(layer):
    forward, train = conditions_of(layer()), conditions_of(layer(mode="train"))
    assert forward.of_any_mode == train.of_any_mode != forward


def test_options_count_by_value_not_by_order():
    def key(**options):
        return implementation_of(Workload(attention="anchor", grid=(4, 4), options=options))

    assert key(num_anchors=4, per_head=True) == key(per_head=True, num_anchors=4)
    assert key(num_anchors=4) != key(num_anchors=8)
    assert key(num_anchors=4).without("num_anchors") == key(num_anchors=8).without("num_anchors")


def test_an_option_that_is_named_like_a_column_has_a_column_of_its_own(layer, monkeypatch):
    from attnbench.analysis import keys

    monkeypatch.setattr(keys, "sweepable_options", lambda attention: ("samples", "rank"))
    frames = build([layer("x", options={"samples": 5, "rank": 0.5}), layer("dense")])
    assert frames.options == {"samples": "option_samples", "rank": "rank"}
    row = frames.layers.set_index("attention").loc["x"]
    assert (row["samples"], row["option_samples"], row["rank"]) == (8, 5, 0.5)
