"""Calls that hide work from counters: each is counted, or refused by name."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from attnbench.profiling.counting.macs import CountError, count_macs


class Call(nn.Module):
    def __init__(self, function, layer=None):
        super().__init__()
        self.function = function
        self.layer = layer

    def forward(self, *inputs):
        return self.function(*inputs) if self.layer is None else self.function(self.layer, *inputs)


def counted(function, *shapes, layer=None, dtype=torch.float32, device="meta", **options):
    inputs = [torch.zeros(shape, dtype=dtype, device=device) for shape in shapes]
    return count_macs(Call(function, layer).to(device).eval(), inputs, **options)


def forward_and_training(*arguments, **options):
    macs = counted(*arguments, **options)
    return macs.products_macs, macs.training_macs


def mix(x):
    return (x @ x.mT).softmax(-1) @ x


@pytest.mark.parametrize(
    ("function", "shapes", "real"),
    [
        (torch.matmul, [(4, 5), (5, 6)], 4 * 5 * 6),
        (torch.matmul, [(2, 4, 5), (2, 5, 6)], 2 * 4 * 5 * 6),
        (lambda a, b: torch.einsum("nd,md->nm", a, b), [(4, 5), (6, 5)], 4 * 5 * 6),
        (F.linear, [(4, 5), (6, 5)], 4 * 5 * 6),
        (F.conv2d, [(2, 3, 9, 9), (6, 3, 2, 2)], 2 * 6 * 8 * 8 * 12),
        (F.conv_transpose1d, [(2, 3, 9), (3, 6, 2)], 2 * 3 * 9 * 12),
        (lambda a, b: F.conv1d(a, b, groups=3), [(2, 3, 9), (6, 1, 2)], 2 * 6 * 8 * 2),
    ],
)
def test_a_complex_product_is_four_real_ones_in_both_directions(function, shapes, real):
    assert forward_and_training(function, *shapes, dtype=torch.complex64) == (4 * real, 12 * real)
    assert forward_and_training(function, *shapes) == (real, 3 * real)


def test_a_complex_convolution_keeps_its_bias_and_shape():
    layer = nn.Conv2d(3, 6, 2, padding="same", dtype=torch.complex64)
    shapes = set()

    def call(layer, x):
        out = layer(x)
        shapes.add(tuple(int(side) for side in out.shape))  # a trace has tensors for sizes
        return out

    counted(call, (2, 3, 9, 9), layer=layer, dtype=torch.complex64)
    assert shapes == {(2, 6, 9, 9)}


@pytest.mark.parametrize(
    ("reentrant", "again"),
    [(True, 560), (False, 400)],  # a reentrant one recomputes its inner checkpoint twice
)
def test_a_checkpoint_inside_a_checkpoint(reentrant, again):
    def inner(x):
        return checkpoint(mix, x @ x.mT @ x, use_reentrant=reentrant) @ x.mT

    macs = counted(lambda x: checkpoint(inner, x, use_reentrant=reentrant), (4, 5))
    assert (macs.products_macs, macs.training_macs) == (400, 1200)
    assert macs.recomputed_macs == again


class Reversible(torch.autograd.Function):
    """Computes its forward pass again, as reversible layers do."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x @ x.mT

    @staticmethod
    def backward(context, grad):
        (x,) = context.saved_tensors
        with torch.enable_grad():
            again = x.detach().requires_grad_()
            product = again @ again.mT
        return torch.autograd.grad(product, again, grad)[0]


class OwnBackward(Reversible):
    @staticmethod
    def backward(context, grad):
        (x,) = context.saved_tensors
        return grad @ x + grad.mT @ x


@pytest.mark.parametrize(("function", "again"), [(Reversible, 80), (OwnBackward, 0)])
def test_a_backward_pass_of_one_s_own_is_counted(function, again):
    macs = counted(function.apply, (4, 5))
    assert (macs.products_macs, macs.training_macs, macs.recomputed_macs) == (80, 240, again)


def test_torch_is_as_before_after_a_count():
    enter, leave = torch.enable_grad.__enter__, torch.enable_grad.__exit__
    settings = torch.backends.mkldnn.enabled, torch.backends.mha.get_fastpath_enabled()
    counted(OwnBackward.apply, (4, 5))
    assert (torch.enable_grad.__enter__, torch.enable_grad.__exit__) == (enter, leave)
    assert settings == (torch.backends.mkldnn.enabled, torch.backends.mha.get_fastpath_enabled())


@pytest.mark.parametrize(
    ("function", "macs"),
    [
        (lambda x: torch.func.vmap(lambda one: one @ one.mT)(x), 2 * 4 * 4 * 5),
        (lambda x: torch.func.grad(lambda one: (one @ one.mT).sum())(x), 3 * 2 * 4 * 4 * 5),
        (lambda x: torch.cond(x.sum() > 0, mix, lambda x: x * 1.0, (x,)), 2 * 2 * 4 * 4 * 5),
        (lambda x: torch.inner(x, x), 8 * 8 * 5),
        (lambda x: torch.tensordot(x, x, dims=([0, 2], [0, 2])), 4 * 4 * 10),
    ],
)
def test_what_fvcore_cannot_follow_is_counted_by_torch(function, macs):
    assert counted(function, (2, 4, 5)).products_macs == macs


def test_a_branch_that_torch_chooses_is_said():
    notes = []
    counted(lambda x: torch.cond(x.sum() > 0, mix, lambda x: x * 1.0, (x,)), (4, 5),
            on_note=notes.append)  # fmt: skip
    assert "the count depends on the data (torch.cond): the larger branch is counted" in notes


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (partial(nn.LSTM, bidirectional=True), 2 * 7 * 2 * 8 * 64),
        (nn.GRU, 2 * 7 * 6 * 64),
        (nn.RNN, 2 * 7 * 2 * 64),
    ],
)
def test_recurrent_layers_are_counted(layer, macs, device):
    found = counted(lambda layer, x: layer(x)[0], (7, 2, 8), layer=layer(8, 8), device=device)
    assert found.products_macs == macs


@pytest.mark.parametrize(
    "layer",
    [
        nn.Dropout2d(), nn.AlphaDropout(), nn.FeatureAlphaDropout(), nn.PReLU(), nn.RReLU(),
        nn.ReflectionPad2d(1), nn.AdaptiveMaxPool2d(2), nn.LPPool2d(2, 2), nn.Softmax2d(),
        nn.LocalResponseNorm(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2), nn.LogSigmoid(),
        *(nn.Upsample(scale_factor=2, mode=mode) for mode in ("nearest", "bicubic", "bilinear")),
    ],
)  # fmt: skip
def test_layers_without_products_are_free_in_training_too(layer):
    assert forward_and_training(lambda layer, x: layer(x), (2, 4, 4, 4), layer=layer) == (0, 0)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialiased_interpolation_is_free(mode):
    def halve(x):
        return F.interpolate(x, size=(2, 2), mode=mode, antialias=True)

    assert forward_and_training(halve, (2, 4, 4, 4)) == (0, 0)


class Packed(torch.Tensor):
    """Integers that stand for a float tensor; a second product can hide in its addition."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, device=inner.device)

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        plain = [one.inner.float() if isinstance(one, Packed) else one for one in args]
        out = func(*plain, **(kwargs or {}))
        if func is torch.ops.aten.add.Tensor:
            return out + plain[1] @ plain[1]
        stays = (torch.ops.aten.t.default, torch.ops.aten.detach.default)
        return Packed(out.to(torch.int8)) if func in stays else out


class PackedLinear(nn.Module):
    def __init__(self, use):
        super().__init__()
        packed = Packed(torch.zeros(8, 8, dtype=torch.int8, device="meta"))
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.use = use

    def forward(self, x):
        return self.use(x, self.weight)


def test_work_inside_a_tensor_subclass_is_counted():
    x = torch.empty(8, 8, device="meta")
    assert count_macs(PackedLinear(F.linear), (x,)).products_macs == 512
    with pytest.raises(CountError, match="disagree: fvcore 0, torch's counter 512"):
        count_macs(PackedLinear(torch.add), (x,))


def test_nested_and_sparse_tensors_are_refused_by_name():
    def nested(layer, x):
        return layer(torch.nested.as_nested_tensor([x[:2], x[:3]])).to_padded_tensor(0.0)

    with pytest.raises(CountError, match=r"nested tensors .* use layout=torch.jagged"):
        counted(nested, (4, 8), layer=nn.Linear(8, 8), device="cpu")
    with pytest.raises(CountError, match="mm of a sparse_coo tensor: its work depends on"):
        counted(lambda x: x.to_sparse() @ x.mT, (4, 8), device="cpu")


def test_jagged_tensors_count_the_rows_that_they_have():
    def jagged(layer, x):
        return layer(torch.nested.as_nested_tensor([x[:2], x[:3]], layout=torch.jagged)).values()

    macs = counted(jagged, (4, 8), layer=nn.Linear(8, 8), device="cpu").products_macs
    assert macs == 5 * 8 * 8
