"""Display names of cells, models, conditions and machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench import registry
from attnbench.analysis.keys import conditions_of, implementation_of, variant_of
from attnbench.analysis.naming import (
    MachineNames,
    facts_of,
    mechanism_name,
    name_of,
    subject_name,
    variant_names,
)
from attnbench.registry import Entry, SweepOption
from attnbench.spec import ModelWorkload, Workload


@pytest.fixture
def ranked(monkeypatch):
    """A stranger's mechanism with two sweepable options."""
    registry.ATTENTIONS.names()
    entry = Entry(
        kind="attention", name="ranked", target="nowhere:Ranked", family="low-rank",
        sweepable=(SweepOption(name="rank", default=8), SweepOption(name="steps", default=1)),
    )  # fmt: skip
    monkeypatch.setitem(registry.ATTENTIONS._entries, "ranked", entry)


def layer_of(attention, impl="reference", **options):
    return Workload(attention=attention, grid=(14, 14), impl=impl, options=options)


NAMES = {
    "dense (sdpa)": layer_of("dense", "sdpa"),
    "anchor-30 (reference)": layer_of("anchor", num_anchors=30),
    "anchor (folded)": layer_of("anchor", "folded"),
    "anchor-select-30 (reference, refine=1)": layer_of("anchor-select", num_anchors=30, refine=1),
    "window-7 (reference, qkv_bias=False)": layer_of("window", window_size=7, qkv_bias=False),
    "nobody-knows-it (reference, rank=8)": layer_of("nobody-knows-it", rank=8),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_has_the_first_sweepable_option_and_the_others_in_brackets(name):
    assert name_of(NAMES[name]) == name
    assert subject_name(NAMES[name]) == f"{name} at 196 tokens"


def test_a_strangers_options_are_named_like_our_own(ranked):
    workload = layer_of("ranked", steps=2, rank=16)
    assert name_of(workload) == "ranked-16 (reference, steps=2)"
    assert name_of(workload, "\n") == "ranked-16\n(reference, steps=2)"
    assert mechanism_name(implementation_of(workload)) == "ranked-16"


def test_unlike_workloads_have_unlike_names():
    assert len({name_of(workload) for workload in NAMES.values()}) == len(NAMES)


def test_a_model_is_named_with_the_mechanism_inside():
    model = ModelWorkload(model="vit-t", attention="anchor", img_size=(32, 64), num_classes=10)
    assert name_of(model) == "vit-t (anchor)"
    assert name_of(replace(model, attention="")) == "vit-t"
    assert subject_name(model) == "vit-t at 32 × 64 px"


def test_facts_tell_cells_of_one_name_apart(layer, model):
    assert facts_of(layer()) == [
        "4 × 4 tokens", "dim 192", "3 heads", "batch 1", "float32", "forward",
    ]  # fmt: skip
    assert facts_of(model())[:2] == ["8 × 8 px", "10 classes"]
    assert facts_of(layer(seed=7))[-1] == "seed 7"


def test_models_are_named_by_what_tells_them_apart(model):
    few, many = (model("vit", attention="anchor", options={"num_anchors": m}) for m in (4, 8))
    alone, dense = variant_of(model("deit").workload), variant_of(model("vit").workload)
    keys = [variant_of(few.workload), variant_of(many.workload)]
    assert variant_names([alone]) == {alone: "deit"}
    assert list(variant_names([dense, *keys]).values()) == [
        "vit (dense)", "vit (anchor, num_anchors=4)", "vit (anchor, num_anchors=8)",
    ]  # fmt: skip


def test_machines_that_read_alike_are_told_apart(cpu):
    other = replace(cpu, platform="Other").conditions
    names = MachineNames([cpu.conditions, other])
    assert names.machine(cpu.conditions) != names.machine(other)
    assert MachineNames([cpu.conditions]).machine(cpu.conditions) == cpu.label


def test_conditions_say_first_what_they_share(layer, cpu):
    keys = [conditions_of(layer(batch=batch, mode=mode))
            for batch, mode in ((1, "forward"), (2, "forward"))]  # fmt: skip
    shared, own = MachineNames([cpu.conditions]).parted(keys)
    assert shared == f"forward, float32, width 192, 3 heads, {cpu.label}"
    assert list(own.values()) == ["batch 1", "batch 2"]
