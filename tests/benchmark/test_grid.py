"""Grids of cells."""

import pytest
from torch import nn

from attnbench import Attention, registry
from attnbench.attention.factory import attention_class
from attnbench.benchmark.grid import (
    BEST,
    FAMILIES,
    crossed,
    layer_workloads,
    model_workloads,
    refuse_indivisible,
)
from attnbench.errors import UserError
from attnbench.models.options import attention_inside
from attnbench.registry import Registry, SweepOption

GRID = [(4, 4)]
REFERENCE = ["reference"]


@pytest.fixture
def ranked(monkeypatch):
    """A stranger's mechanism with two options of its own, one of them declared."""
    theirs = Registry("attention", table="attnbench.attention:MECHANISMS")
    monkeypatch.setattr(registry, "ATTENTIONS", theirs)
    for module in ("attnbench.benchmark.grid", "attnbench.attention.factory"):
        monkeypatch.setattr(f"{module}.ATTENTIONS", theirs)
    options = (SweepOption(name="rank", default=8), SweepOption(name="decay", default=0.5, least=0))

    @registry.register_attention("ranked", family="linear", sweepable=options)
    class Ranked(Attention):
        def __init__(self, dim, num_heads, *, rank=8, decay=0.5, gated=False, **options):
            super().__init__(dim, num_heads, **options)
            self.proj = nn.Linear(dim, dim)

        def forward(self, x, grid):
            return self.proj(x)

        def macs(self, grid, batch=1):
            return 0


def test_a_mechanism_is_crossed_with_what_it_declares():
    cells = layer_workloads(
        FAMILIES, [(4, 4), (8, 8)], {"num_anchors": [10, 30], "sr_ratio": [2]}, REFERENCE
    )
    assert [(c.attention, c.options) for c in cells[:5]] == [
        ("dense", {}),
        ("window", {}),
        ("sparse", {"sr_ratio": 2}),
        ("anchor", {"num_anchors": 10}),
        ("anchor", {"num_anchors": 30}),
    ]
    assert [c.grid for c in cells] == [(4, 4)] * 5 + [(8, 8)] * 5


def test_several_options_of_one_mechanism_are_crossed_with_each_other():
    swept = {"num_anchors": [10, 30], "refine": [0, 2]}
    cells = layer_workloads(["anchor-select"], GRID, swept)
    assert [tuple(c.options.values()) for c in cells] == [(10, 0), (10, 2), (30, 0), (30, 2)]


def test_a_stranger_s_options_are_swept_and_set_like_ours(ranked):
    cells = layer_workloads(
        ["dense", "ranked"], GRID, {"rank": [8, 16], "decay": [0.25]}, REFERENCE,
        options={"gated": True, "qkv_bias": False},
    )  # fmt: skip
    assert [c.options for c in cells] == [
        {"qkv_bias": False},
        {"gated": True, "rank": 8, "decay": 0.25},
        {"gated": True, "rank": 16, "decay": 0.25},
    ]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"rank": [8]}, r"--sweep rank: none of window, anchor declares it; "
                        r"they declare window_size \(window\), num_anchors \(anchor\)"),
        ({"window_size": [7, 0]}, "--sweep window_size: expected a whole number from 1 .* got 0"),
        ({"window_size": [-7]}, "--sweep window_size: expected a whole number from 1 .* got -7"),
        ({"window_size": [7.5]}, "--sweep window_size: expected a whole number .* got 7.5"),
        ({"window_size": [2**31]}, "--sweep window_size: expected .* to 2,147,483,647"),
        ({"num_anchors": [float("nan")]}, "--sweep num_anchors: expected .* got nan"),
    ],
)  # fmt: skip
def test_sweeps_that_no_mechanism_could_run_are_refused(sweep, message):
    with pytest.raises(UserError, match=message):
        layer_workloads(["window", "anchor"], GRID, sweep)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 8}, "--option rank: none of window, anchor has it; they have window_size, "),
        ({"impl": "sdpa"}, "--option impl: none of"),
        ({"num_prefix_tokens": 1}, "--option num_prefix_tokens: none of"),
        ({"window_size": 8}, "--option window_size and --sweep window_size: give one"),
        ({"num_anchors": 0}, "num_anchors must be at least 1, got 0"),
        ({"num_anchors": "ten"}, "--option: building anchor with num_anchors=ten failed"),
    ],
)
def test_options_that_no_mechanism_takes_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        layer_workloads(["window", "anchor"], GRID, {"window_size": [7]}, options=options)


def test_by_default_each_mechanism_runs_the_impls_that_it_has():
    cells = layer_workloads(FAMILIES, GRID)
    assert {c.impl for c in cells if c.attention == "dense"} == {"reference", "sdpa"}
    assert {c.impl for c in cells if c.attention == "anchor"} == {"reference", "folded"}


def test_an_impl_that_was_asked_for_gives_a_cell_everywhere():
    cells = layer_workloads(FAMILIES, GRID, impls=["sdpa"])
    assert [c.impl for c in cells] == ["sdpa"] * 4


def test_best_stands_for_all_impls_of_each_mechanism():
    cells = layer_workloads(FAMILIES, GRID, impls=[BEST])
    for name in FAMILIES:
        impls = [c.impl for c in cells if c.attention == name]
        assert impls == list(attention_class(name).impls)


def test_unknown_names_are_refused_before_anything_is_built():
    with pytest.raises(UserError, match="did you mean anchor"):
        layer_workloads(["dense", "ancor"], GRID)
    with pytest.raises(UserError, match="did you mean vit-t"):
        model_workloads(["vit-tt"], [(32, 32)])


def test_an_impl_that_nobody_has_is_refused_with_those_there_are():
    message = r"none of dense, anchor has 'sdap'; they have reference, sdpa, .*, folded, chunked"
    with pytest.raises(UserError, match=message):
        layer_workloads(["dense", "anchor"], GRID, impls=["sdpa", "sdap"])


def test_models_are_crossed_with_sizes_and_say_what_is_inside():
    cells = model_workloads(
        ["vit-t", "anchorformer-t", "timm-levit-128"], [(32, 32), (32, 64)], batch=2
    )
    assert [(c.model, c.img_size) for c in cells] == [
        (model, size)
        for size in [(32, 32), (32, 64)]
        for model in ("vit-t", "anchorformer-t", "timm-levit-128")
    ]
    assert [c.attention for c in cells[:3]] == ["dense", "anchor", ""]
    assert {(c.num_classes, c.batch) for c in cells} == {(1000, 2)}


def test_options_of_a_model_reach_the_attention_inside():
    options = {"attention": "anchor", "num_anchors": 5, "mlp_ratio": 2.0}
    (cell,) = model_workloads(["vit-t"], [(32, 32)], options=options)
    assert cell.attention == "anchor" == attention_inside("vit-t", options)
    assert cell.options == {
        "attention": "anchor", "mlp_ratio": 2.0, "attention_options": {"num_anchors": 5},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("vit-t", {"num_anchors": 5}, "--option num_anchors: none of vit-t, dense has it"),
        ("deit-t", {"attention": "window"}, "take a plain trunk: vit-t"),
        ("vit-t", {"attention": "ancor"}, "did you mean anchor"),
        ("vit-t", {"attention_options": 3}, "building vit-t with attention_options=3 failed"),
    ],
)
def test_options_that_a_model_does_not_take_are_refused(model, options, message):
    with pytest.raises(UserError, match=message):
        model_workloads([model], [(32, 32)], options=options)


def test_axes_cross_and_the_last_varies_fastest():
    assert crossed({"dim": [24, 48], "batch": [1, 2]}) == [
        {"dim": 24, "batch": 1},
        {"dim": 24, "batch": 2},
        {"dim": 48, "batch": 1},
        {"dim": 48, "batch": 2},
    ]
    assert crossed({}) == [{}]


def test_every_width_that_gives_no_whole_heads_is_named():
    combinations = crossed({"dim": [96, 100], "num_heads": [3, 5]})
    expected = "--heads must divide --dim: 96 is no multiple of 5; 100 is no multiple of 3"
    with pytest.raises(UserError, match=f"^{expected}$"):
        refuse_indivisible(combinations)
    refuse_indivisible(crossed({"dim": [96], "num_heads": [3, 6]}))
