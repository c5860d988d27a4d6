"""Counts equal closed forms written here; disagreement and unknown operators are errors."""

import time

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from attnbench.attention.dense import DenseAttention
from attnbench.errors import UserError
from attnbench.profiling.counting.formulas import USER_FORMULAS
from attnbench.profiling.counting.fvcore_count import count_by_fvcore
from attnbench.profiling.counting.macs import (
    CountError,
    count_forward_macs,
    count_macs,
    register_macs_formula,
)
from attnbench.profiling.counting.torch_count import count_by_torch


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def counted(function, *shapes):
    return count_macs(Call(function), [torch.empty(*s, device="meta") for s in shapes])


def products(function, *shapes):
    return counted(function, *shapes).products_macs


@torch.library.custom_op("attnbench_test::product", mutates_args=())
def strange_product(left: torch.Tensor, right: torch.Tensor, times: int) -> torch.Tensor:
    return times * left @ right


@strange_product.register_fake
def _(left, right, times):
    return left.new_empty(left.shape[0], right.shape[1])


def strange_call():
    inputs = [torch.empty(4, 5, device="meta"), torch.empty(5, 6, device="meta")]
    return Call(lambda left, right: strange_product(left, right, 2)), inputs


def test_one_multiply_add_is_one_mac():
    assert products(torch.matmul, (3, 4, 5), (3, 5, 7)) == 3 * 4 * 5 * 7


@pytest.mark.parametrize(
    ("left", "right", "macs"),
    [
        ((1, 6, 5), (8, 5, 7), 8 * 6 * 5 * 7),  # fvcore alone counts this once instead of 8 times
        ((8, 6, 5), (1, 5, 7), 8 * 6 * 5 * 7),
        ((8, 2, 6, 5), (2, 5, 7), 8 * 2 * 6 * 5 * 7),
        ((6, 5), (5,), 6 * 5),
        ((4, 6, 5), (5, 7), 4 * 6 * 5 * 7),
        ((5,), (5,), 5),
    ],
)
def test_broadcast_products_are_counted_for_every_element(left, right, macs):
    assert products(torch.matmul, left, right) == macs


@pytest.mark.parametrize(
    ("product", "shapes", "macs"),
    [
        (torch.addmv, [(4,), (4, 5), (5,)], 4 * 5),
        (torch.baddbmm, [(2, 4, 6), (2, 4, 5), (2, 5, 6)], 2 * 4 * 5 * 6),
        (torch.addbmm, [(4, 6), (2, 4, 5), (2, 5, 6)], 2 * 4 * 5 * 6),
    ],
)
def test_products_that_one_counter_does_not_know_are_counted(product, shapes, macs):
    assert products(product, *shapes) == macs


@pytest.mark.parametrize("heads_of_values", [5, 9])
def test_fused_attention_is_counted(heads_of_values):
    shapes = (2, 3, 11, 5), (2, 3, 13, 5), (2, 3, 13, heads_of_values)
    assert products(F.scaled_dot_product_attention, *shapes) == 2 * 3 * 11 * 13 * (
        5 + heads_of_values
    )


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), 2 * 6 * 4 * 9 * 5 * 6),
        (nn.Conv2d(4, 8, 3, padding=1, groups=4), 2 * 8 * 1 * 9 * 9 * 11),
        (nn.Conv2d(4, 6, 3, dilation=2, bias=False), 2 * 6 * 4 * 9 * 5 * 7),
        (nn.Conv2d(4, 8, 3, padding="same", groups=2), 2 * 8 * 2 * 9 * 9 * 11),
        (nn.Conv2d(4, 6, 3, padding="valid"), 2 * 6 * 4 * 9 * 7 * 9),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), 2 * 4 * 6 * 4 * 9 * 11),
    ],
)
def test_convolutions_are_counted_on_the_meta_device(layer, macs):
    x = torch.empty(2, 4, 9, 11, device="meta")
    expected = layer(torch.empty(2, 4, 9, 11)).shape
    counted = count_macs(layer.to("meta"), (x,))
    assert counted.products_macs == macs
    assert counted.training_macs == 3 * macs  # also where it is grouped
    assert layer(x).shape == expected  # the replaced meta kernel is gone again


def test_norms_are_listed_apart():
    layer = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)).to("meta")
    macs = count_macs(layer, (torch.empty(2, 5, 8, device="meta"),))
    assert macs.products_macs == 2 * 5 * 8 * 8
    assert macs.norms_ops == macs.by_operator_macs["layer_norm"] > 0


def test_interpolation_is_no_product():
    macs = counted(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), (1, 2, 4, 4))
    assert (macs.products_macs, macs.uncounted) == (0, ("upsample_bilinear2d",))


@pytest.mark.parametrize(
    "function",
    [F.elu, F.softplus, F.leaky_relu, F.normalize, lambda x: F.log_softmax(x, -1),
     lambda x: F.rms_norm(x, (4,)), lambda x: x.var(-1), lambda x: x.topk(2)[0],
     lambda x: x.scatter_add(-1, x.argsort(-1), x), lambda x: F.pixel_shuffle(x, 2)],
)  # fmt: skip
def test_elementwise_work_and_reductions_are_no_macs_in_either_direction(function):
    macs = counted(function, (2, 4, 4, 4))
    assert (macs.products_macs, macs.training_macs) == (0, 0)


def test_every_output_has_its_backward_pass():
    layer, x = nn.MultiheadAttention(8, 2, device="meta"), torch.empty(2, 5, 8, device="meta")
    macs = count_macs(layer, (x, x, x))  # returns the weights too
    assert macs.training_macs == 3 * macs.products_macs


def test_what_was_not_counted_is_said():
    macs = count_macs(Call(lambda x: (x @ x).softmax(-1) + 1), (torch.empty(4, 4, device="meta"),))
    assert set(macs.uncounted) == {"softmax", "add"}


def test_an_operator_without_a_formula_is_an_error():
    with pytest.raises(CountError, match="no formula for aten::_fft_r2c"):
        counted(torch.fft.fft, (4, 4))


class Hidden(torch.autograd.Function):
    """A product that fvcore cannot see: its trace ends at the Python code."""

    @staticmethod
    def forward(context, x):
        return x @ x


def untraceable(x):
    """A product whose code does what the tracer cannot follow."""
    if torch.jit.is_tracing():
        raise TypeError("no such thing in a trace")
    return x @ x


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (Hidden.apply, "fvcore has no formula for prim::PythonOp"),
        (untraceable, "fvcore cannot trace it: TypeError: no such thing in a trace"),
    ],
)
def test_the_others_decide_where_fvcore_cannot_count(function, reason):
    notes = []
    call, x = Call(function), torch.empty(4, 4, device="meta")
    macs = count_forward_macs(call, (x,), on_note=notes.append)
    assert macs.products_macs == 4 * 4 * 4
    assert macs.by_operator_macs == {"mm": 4 * 4 * 4}
    (note,) = notes
    assert note.startswith(f"MACs by torch's counter alone: {reason}")
    count_forward_macs(call, (x,), closed_form=4 * 4 * 4, on_note=notes.append)
    assert notes[1].startswith(f"MACs by torch's counter and the closed form: {reason}")
    with pytest.raises(CountError, match="closed form 63, torch's counter 64"):
        count_forward_macs(call, (x,), closed_form=63)


def test_a_count_by_both_ways_needs_no_note():
    notes = []
    count_forward_macs(nn.Linear(4, 4, device="meta"), (torch.empty(4, 4, device="meta"),),
                       on_note=notes.append)  # fmt: skip
    assert notes == []


@pytest.mark.parametrize("count", [count_by_fvcore, count_by_torch])
def test_both_counters_refuse_a_custom_operator_by_name(count):
    with pytest.raises(CountError, match="no formula for attnbench_test::product; give one with"):
        count(*strange_call(), ())


def test_a_registered_formula_serves_both_counters():
    register_macs_formula(
        "attnbench_test::product", lambda inputs, outputs: outputs[0][0] * inputs[0][1] * 6
    )
    try:
        macs = count_macs(*strange_call())
    finally:
        del USER_FORMULAS["attnbench_test::product"]
    assert macs.by_operator_macs == {"product": 4 * 5 * 6}
    assert macs.training_macs is None  # the operator has no backward pass


def test_a_formula_for_no_operator_is_refused():
    with pytest.raises(UserError, match="torch knows no operator 'attnbench_test::produkt'"):
        register_macs_formula("attnbench_test::produkt", lambda inputs, outputs: 0)
    with pytest.raises(UserError, match="expected 'namespace::name'"):
        register_macs_formula("product", lambda inputs, outputs: 0)


def test_a_disagreement_names_every_number():
    layer, x = nn.Linear(5, 6, device="meta"), torch.empty(4, 5, device="meta")
    assert count_macs(layer, (x,), closed_form=120).products_macs == 120
    with pytest.raises(CountError) as caught:
        count_macs(layer, (x,), closed_form=7)
    assert str(caught.value) == ("MACs disagree: closed form 7, fvcore 120, torch's counter 120")


def test_work_that_reaches_no_output_is_a_disagreement():
    with pytest.raises(CountError, match="fvcore 0, torch's counter 64"):
        counted(lambda x: (x @ x, x)[1], (4, 4))


def test_what_is_kept_for_later_calls_does_not_change_the_count():
    kept = []

    def call(x):
        if not kept:
            kept.append(torch.ones(4, device="meta").cumsum(0))
        return x @ x + kept[0]

    first = counted(call, (4, 4))
    assert first == counted(call, (4, 4))
    assert first.uncounted == ("add",)


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
def test_dense_attention_at_65536_tokens_costs_neither_time_nor_memory(impl):
    count_macs(nn.Linear(2, 2).to("meta"), (torch.empty(1, 2, device="meta"),))  # loads fvcore
    grid, dim = (256, 256), 192
    with torch.device("meta"):
        layer, x = DenseAttention(dim, 3, impl=impl), torch.empty(1, 65_536, dim)
    start = time.process_time()
    macs = count_macs(layer, (x,), (grid,))
    # In float32 its scores alone would take 51 GB and minutes; this bound is no measure of speed.
    assert time.process_time() - start < 20
    assert macs.products_macs == 4 * 65_536 * dim**2 + 2 * 65_536**2 * dim
