"""Every softmax implementation equals the exact value, or is refused with a reason."""

import re
import timeit

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.attention.softmax import BIASED_IMPLS, IMPLS, softmax_attention
from attnbench.errors import UserError
from attnbench.kernels.availability import check_impl, conditions_of, reason_against

from .softmax_cases import exact, inputs, tolerance

SIZES = [(1, 1), (7, 7), (17, 5), (33, 129), (200, 64)]
ON_CPU = ["reference", "sdpa", "sdpa-flash", "sdpa-math"]
"""Those that run on any CPU; FlexAttention, which is compiled there, has tests of its own."""
NOT_ON_CPU = ["sdpa-efficient", "sdpa-cudnn", "xformers"]
HALVES = [torch.bfloat16, torch.float16]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALVES])
@pytest.mark.parametrize("d", [7, 16, 64])
@pytest.mark.parametrize(("n", "k"), SIZES)
@pytest.mark.parametrize("impl", ON_CPU)
def test_equals_the_exact_value(impl, n, k, d, dtype):
    tensors = inputs(n, k, d, dtype=dtype)
    came = softmax_attention(*tensors, scale=d**-0.5, impl=impl)
    assert came.dtype == dtype
    assert (came - exact(*tensors, d**-0.5)).abs().max() <= tolerance(*tensors, d**-0.5)


@pytest.mark.parametrize("shape", [(9, 9), (3, 9, 9), (2, 3, 9, 9), (2, 1, 9, 9), (1, 3, 9, 9)])
@pytest.mark.parametrize("impl", ON_CPU)
def test_a_bias_is_added_however_it_broadcasts(impl, shape):
    tensors, bias = inputs(9, 9, 8), torch.randn(shape)
    bias[..., 4:] = float("-inf")  # a mask
    came = softmax_attention(*tensors, scale=0.3, impl=impl, bias=bias)
    assert (came - exact(*tensors, 0.3, bias)).abs().max() <= tolerance(*tensors, 0.3, bias)


@pytest.mark.parametrize("impl", ON_CPU)
def test_a_bias_of_fewer_than_the_batch_repeats(impl):
    tensors, bias = inputs(9, 9, 8, batch=6), torch.randn(2, 3, 9, 9)
    came = softmax_attention(*tensors, scale=0.3, impl=impl, bias=bias)
    repeated = bias.repeat(3, 1, 1, 1)
    assert (came - exact(*tensors, 0.3, repeated)).abs().max() <= tolerance(*tensors, 0.3, bias)


@pytest.mark.parametrize("impl", ON_CPU)
def test_gradients_are_those_of_the_function(impl):
    tensors = [t.requires_grad_() for t in inputs(5, 3, 4, batch=1, heads=2, dtype=torch.float64)]
    call = lambda *qkv: softmax_attention(*qkv, scale=0.5, impl=impl)  # noqa: E731
    assert torch.autograd.gradcheck(call, tensors)


@pytest.mark.parametrize("impl", [impl for impl in BIASED_IMPLS if impl in ON_CPU])
def test_a_learned_bias_gets_its_gradient(impl):
    query, key, value = inputs(5, 3, 4, batch=1, heads=2, dtype=torch.float64)
    bias = torch.randn(1, 2, 5, 3, dtype=torch.float64, requires_grad=True)
    call = lambda b: softmax_attention(query, key, value, scale=0.5, impl=impl, bias=b)  # noqa: E731
    assert torch.autograd.gradcheck(call, (bias,))


@pytest.mark.parametrize("impl", ON_CPU)
@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.mT.contiguous().mT,
        lambda t: t.transpose(1, 2).contiguous().transpose(1, 2),
        lambda t: torch.stack([t, t], -1)[..., 0],
        lambda t: t[:, :1].expand(-1, 3, -1, -1),
        lambda t: t[:1].expand(2, -1, -1, -1),
    ],
)
def test_strides_make_no_difference(impl, change):
    tensors = [change(tensor) for tensor in inputs(19, 11, 8)]
    came = softmax_attention(*tensors, scale=0.3, impl=impl)
    assert (came - exact(*tensors, 0.3)).abs().max() <= tolerance(*tensors, 0.3)


@pytest.mark.parametrize("impl", [*ON_CPU, "flex"])
@pytest.mark.parametrize("shapes", [(0, 5, 5), (2, 0, 0), (2, 5, 0), (2, 0, 5)])
def test_nothing_in_nothing_out(impl, shapes):
    batch, n, k = shapes
    query, key, value = inputs(n, k, 8, batch=batch)
    expected = softmax_attention(query, key, value, scale=0.3, impl="reference")
    assert softmax_attention(query, key, value, scale=0.3, impl=impl).equal(expected)


@pytest.mark.parametrize("name", ["dense", "dense-shared-qk", "window", "sparse"])
@pytest.mark.parametrize("impl", ON_CPU)
def test_one_token_of_nan_reaches_whom_it_reaches_in_the_reference(name, impl):
    layers = [create_attention(name, 24, 3, impl="reference")]
    if impl not in type(layers[0]).impls:
        with pytest.raises(UserError, match=f"has no impl '{impl}'"):
            create_attention(name, 24, 3, impl=impl)
        return
    layers.append(create_attention(name, 24, 3, impl=impl))
    x = torch.randn(2, 16 * 16, 24)
    x[0, 37] = float("nan")
    expected, came = (layer(x, (16, 16)).isnan() for layer in layers)
    assert came.equal(expected)
    assert came[0].any()
    assert not came[1].any()


@pytest.mark.parametrize("impl", NOT_ON_CPU)
def test_what_cannot_run_on_the_cpu_says_so_and_is_refused(impl):
    what = {"xformers": "xformers"}.get(impl, f"the {impl.removeprefix('sdpa-')} kernel")
    expected = f"impl {impl!r} cannot run here: {what} needs CUDA, got cpu"
    with pytest.raises(UserError, match=f"^{re.escape(expected)}$"):
        softmax_attention(*inputs(5, 5, 8), scale=0.3, impl=impl)


def test_a_learned_bias_keeps_the_flash_kernel_from_training_alone():
    tensors = inputs(5, 5, 8)
    bias = torch.randn(5, 5, requires_grad=True)
    with pytest.raises(UserError, match="no gradient for a bias"):
        softmax_attention(*tensors, scale=0.3, impl="sdpa-flash", bias=bias)
    with torch.no_grad():
        came = softmax_attention(*tensors, scale=0.3, impl="sdpa-flash", bias=bias)
        assert (came - exact(*tensors, 0.3, bias)).abs().max() <= tolerance(*tensors, 0.3, bias)


@pytest.mark.parametrize("impl", IMPLS)
def test_every_impl_counts_on_the_meta_device(impl):
    tensors = [tensor.to("meta").requires_grad_() for tensor in inputs(5, 5, 8)]
    assert softmax_attention(*tensors, scale=0.3, impl=impl).shape == (2, 3, 5, 8)


def test_the_check_costs_next_to_nothing_beside_the_call():
    tensors = inputs(196, 196, 64, batch=1)
    call = lambda: softmax_attention(*tensors, scale=0.125, impl="sdpa")  # noqa: E731
    check = lambda: check_impl("sdpa-flash", tensors[0], 64)  # noqa: E731
    fastest = [min(timeit.repeat(one, number=20, repeat=5)) for one in (check, call)]
    assert fastest[0] < 0.1 * fastest[1]


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("d", [16, 64])
@pytest.mark.parametrize(("n", "k"), [(7, 7), (129, 33), (200, 200)])
@pytest.mark.parametrize("impl", IMPLS)
def test_on_cuda_each_equals_the_exact_value_or_is_refused(impl, n, k, d, dtype):
    tensors = [t.requires_grad_() for t in inputs(n, k, d, dtype=dtype, device="cuda")]
    reason = reason_against(impl, conditions_of(tensors[0], d))
    if reason:
        with pytest.raises(UserError, match=re.escape(reason)):
            softmax_attention(*tensors, scale=d**-0.5, impl=impl)
        return
    came = softmax_attention(*tensors, scale=d**-0.5, impl=impl)
    expected = exact(*tensors, d**-0.5)
    # TF32, where a kernel takes it for float32, has 10 bits.
    off = tolerance(*tensors, d**-0.5, rounding=max(torch.finfo(dtype).eps, 2**-11))
    assert (came - expected).abs().max() <= off
    weigh = torch.randn_like(came)
    given = torch.autograd.grad(came, tensors, weigh)
    right = torch.autograd.grad(expected, tensors, weigh.double())
    for one, other in zip(given, right, strict=True):
        rounding = max(torch.finfo(dtype).eps, 2**-11)
        assert (one.double() - other).abs().max() <= 32 * rounding * other.abs().max()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("impl", BIASED_IMPLS)
def test_on_cuda_a_learned_bias_is_added_and_gets_its_gradient(impl, dtype):
    tensors = inputs(49, 49, 32, batch=6, dtype=dtype, device="cuda")
    bias = torch.randn(2, 3, 49, 49).to(device="cuda", dtype=dtype).requires_grad_()
    came = softmax_attention(*tensors, scale=0.2, impl=impl, bias=bias)
    expected = exact(*tensors, 0.2, bias.repeat(3, 1, 1, 1))
    rounding = max(torch.finfo(dtype).eps, 2**-11)
    assert (came - expected).abs().max() <= tolerance(*tensors, 0.2, bias, rounding)
    (given,) = torch.autograd.grad(came.float().square().sum(), bias)
    (right,) = torch.autograd.grad(expected.square().sum(), bias)
    assert (given.double() - right.double()).abs().max() <= 64 * rounding * right.abs().max()


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["dense", "dense-shared-qk", "window", "sparse"])
@pytest.mark.parametrize("impl", IMPLS)
def test_on_cuda_layers_of_bfloat16_are_near_the_exact_ones(name, impl):
    layer = create_attention(name, 96, 3)
    if impl not in type(layer).impls:
        with pytest.raises(UserError, match=f"has no impl '{impl}'"):
            create_attention(name, 96, 3, impl=impl)
        return
    fast = create_attention(name, 96, 3, impl=impl)
    fast.load_state_dict(layer.state_dict())
    x = torch.randn(2, 9 * 15, 96)
    expected = layer.double()(x.double(), (9, 15))
    came = fast.to("cuda", torch.bfloat16)(x.to("cuda", torch.bfloat16), (9, 15))
    eps = torch.finfo(torch.bfloat16).eps
    assert (came.double().cpu() - expected).abs().max() <= 16 * eps * expected.abs().max()
