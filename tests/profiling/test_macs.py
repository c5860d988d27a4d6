"""Counts against closed forms written out here; what has no formula is an error."""

import time

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from attnbench.attention.dense import DenseAttention
from attnbench.errors import UserError
from attnbench.profiling.macs import count_macs


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def products(function, *shapes):
    return count_macs(
        Call(function), [torch.empty(*s, device="meta") for s in shapes]
    ).products_macs


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
    ],
)
def test_broadcast_products_are_counted_for_every_element(left, right, macs):
    assert products(torch.matmul, left, right) == macs


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
        (nn.ConvTranspose2d(4, 6, 2, stride=2), 2 * 4 * 6 * 4 * 9 * 11),
    ],
)
def test_convolutions_are_counted_on_the_meta_device(layer, macs):
    x = torch.empty(2, 4, 9, 11, device="meta")
    expected = layer(torch.empty(2, 4, 9, 11)).shape
    counted = count_macs(layer.to("meta"), (x,))
    assert counted.products_macs == macs
    assert layer(x).shape == expected  # the replaced meta kernel is gone again


def test_norms_are_listed_apart():
    layer = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)).to("meta")
    macs = count_macs(layer, (torch.empty(2, 5, 8, device="meta"),))
    assert macs.products_macs == 2 * 5 * 8 * 8
    assert macs.norms_ops == macs.by_operator_macs["layer_norm"] > 0


def test_what_was_not_counted_is_said():
    macs = count_macs(Call(lambda x: (x @ x).softmax(-1) + 1), (torch.empty(4, 4, device="meta"),))
    assert set(macs.uncounted) == {"softmax", "add"}


def test_an_operator_without_a_formula_is_an_error():
    with pytest.raises(UserError, match="no formula for aten::fft_fft"):
        count_macs(Call(torch.fft.fft), (torch.empty(4, 4, device="meta"),))


def test_work_hidden_in_a_custom_function_is_an_error():
    class Hidden(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x @ x

    with pytest.raises(UserError, match="no formula for prim::PythonOp"):
        count_macs(Call(Hidden.apply), (torch.empty(4, 4, device="meta"),))


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
def test_dense_attention_at_65536_tokens_costs_neither_time_nor_memory(impl):
    count_macs(nn.Linear(2, 2).to("meta"), (torch.empty(1, 2, device="meta"),))  # loads fvcore
    grid, dim = (256, 256), 192
    with torch.device("meta"):
        layer, x = DenseAttention(dim, 3, impl=impl), torch.empty(1, 65_536, dim)
    start = time.process_time()
    macs = count_macs(layer, (x,), (grid,))
    # In float32 its weights alone would take 51 GB and minutes; this bound is no measure of speed.
    assert time.process_time() - start < 20
    assert macs.products_macs == 4 * 65_536 * dim**2 + 2 * 65_536**2 * dim
