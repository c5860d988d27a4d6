"""The anchor operator equals the equations of `attention/anchor.py` for every block size."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from attnbench.attention.anchor import bipartite_attention, markov_step
from attnbench.attention.factory import create_attention
from attnbench.kernels.anchor import chunked as anchor_chunked
from attnbench.kernels.anchor.operator import anchor_attention
from attnbench.profiling.memory.allocations import measure_memory

SCALE = 0.3
SIZES = [(1, 1, 1, 16, 3), (2, 3, 35, 8, 5), (3, 2, 63, 24, 1), (1, 4, 130, 16, 100)]
"""Batch, heads, tokens, head width, anchors."""


def plainly(key, value, anchors, scale=SCALE):
    return markov_step(bipartite_attention(key, anchors, scale), value)


@pytest.fixture(params=[1, 7, 64], ids=lambda tokens: f"blocks of {tokens}")
def small_blocks(request, monkeypatch):
    monkeypatch.setattr(anchor_chunked, "BLOCK_BYTES", 1)
    monkeypatch.setattr(anchor_chunked, "MIN_BLOCK", request.param)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("per_head", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_equals_the_equations_forward_and_backward(heads_of, size, per_head):
    inputs = [x.requires_grad_() for x in heads_of(*size, sets=size[1] if per_head else 1)]
    out, expected = anchor_attention(*inputs, SCALE), plainly(*inputs)
    torch.testing.assert_close(out, expected)
    seed = torch.randn_like(out)
    ours, theirs = (torch.autograd.grad(y, inputs, seed) for y in (out, expected))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.usefixtures("small_blocks")
def test_derivatives_are_those_of_finite_differences(heads_of):
    inputs = [x.detach().requires_grad_() for x in heads_of(2, 2, 9, 4, 3)]
    assert torch.autograd.gradcheck(lambda *x: anchor_attention(*x, SCALE), inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_is_as_close_to_float64_as_the_equations_in_the_same_dtype(heads_of, dtype):
    exact = heads_of(2, 3, 200, 16, 30)
    low = [x.to(dtype) for x in exact]
    truth = plainly(*(x.double() for x in low))
    error, theirs = (
        (f - truth).abs().max() for f in (anchor_attention(*low, SCALE), plainly(*low))
    )
    assert error <= 2 * theirs + torch.finfo(dtype).eps * truth.abs().max()


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch looks at it while checking
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_torch_finds_nothing_wrong_with_the_operators(heads_of, device):
    inputs = [x.to(device).clone().requires_grad_() for x in heads_of(2, 3, 20, 8, 5)]
    torch.library.opcheck(torch.ops.attnbench.anchor_attention, (*inputs, SCALE))
    out, means, inverse = (x.detach() for x in torch.ops.attnbench.anchor_attention(*inputs, SCALE))
    plain = [x.detach() for x in inputs]
    arguments = (torch.ones_like(out), *plain, SCALE, means, inverse)
    torch.library.opcheck(torch.ops.attnbench.anchor_attention_backward, arguments)


def test_merging_the_heads_copies_nothing(heads_of):
    out = anchor_attention(*heads_of(2, 3, 20, 8, 5), SCALE)
    assert out.transpose(1, 2).is_contiguous()


def test_counters_see_three_products_forward_and_six_backward(heads_of):
    batch, heads, tokens, width, anchors = size = (2, 3, 20, 8, 5)
    inputs = [x.requires_grad_() for x in heads_of(*size)]
    with FlopCounterMode(display=False) as forward:
        out = anchor_attention(*inputs, SCALE)
    with FlopCounterMode(display=False) as backward:
        out.sum().backward()
    product = 2 * batch * heads * tokens * width * anchors
    assert forward.get_total_flops() == 3 * product
    assert backward.get_total_flops() == 6 * product


def test_an_anchor_that_nobody_chose_gives_nothing_and_gets_nothing(heads_of):
    key, value, anchors = heads_of(1, 1, 40, 8, 3)
    key, anchors = key.abs(), anchors.abs()
    anchors[0, 1] = -1e4  # its logits are so low that the softmax underflows to 0
    inputs = [x.float().requires_grad_() for x in (key, value, anchors)]
    out, expected = anchor_attention(*inputs, SCALE), plainly(*inputs)
    torch.testing.assert_close(out, expected)
    *_, grad = torch.autograd.grad(out.sum(), inputs)
    assert grad[0, 1].abs().max() == 0
    assert grad.isfinite().all()


def test_huge_logits_and_nan_are_as_in_the_equations(heads_of):
    key, value, anchors = heads_of(2, 2, 30, 8, 4, dtype=torch.float32)
    torch.testing.assert_close(
        anchor_attention(1e18 * key, value, anchors, SCALE),
        plainly(1e18 * key, value, anchors),
    )
    key = key.clone()
    key[0, 0, 7, 3] = torch.nan
    out, expected = anchor_attention(key, value, anchors, SCALE), plainly(key, value, anchors)
    torch.testing.assert_close(out, expected, equal_nan=True)
    assert out[0, 0].isnan().all()
    assert out[1].isfinite().all()


@pytest.mark.parametrize("size", [(0, 2, 5, 8, 3), (2, 2, 0, 8, 3)])
def test_nothing_in_gives_nothing_out(heads_of, size):
    inputs = [x.requires_grad_() for x in heads_of(*size)]
    out = anchor_attention(*inputs, SCALE)
    assert out.shape == plainly(*inputs).shape
    out.sum().backward()
    assert inputs[2].grad.abs().sum() == 0


def test_expanded_inputs_count_like_copies(heads_of):
    key, value, anchors = heads_of(1, 2, 30, 8, 4)
    key, value = (x.expand(3, -1, -1, -1) for x in (key, value))
    torch.testing.assert_close(
        anchor_attention(key, value, anchors, SCALE),
        anchor_attention(key.contiguous(), value.contiguous(), anchors.clone(), SCALE),
    )


def test_compiles_whole(heads_of):
    inputs = [x.requires_grad_() for x in heads_of(2, 3, 20, 8, 5)]
    compiled = torch.compile(anchor_attention, fullgraph=True, backend="aot_eager")
    out, expected = compiled(*inputs, SCALE), anchor_attention(*inputs, SCALE)
    torch.testing.assert_close(out, expected)
    ours, theirs = (torch.autograd.grad(y.sum(), inputs) for y in (out, expected))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("needs_gradient", [False, True])
def test_memory_beyond_inputs_and_outputs_does_not_grow(heads_of, needs_gradient):
    """Twice the tokens take twice the outputs more, and not a byte of A."""

    def beyond(tokens):
        inputs = [x.requires_grad_(needs_gradient) for x in heads_of(1, 2, tokens, 16, 30)]

        def call():
            out = anchor_attention(*inputs, SCALE)
            return torch.autograd.grad(out.sum(), inputs) if needs_gradient else out

        call()
        outputs = inputs[0].nbytes * (4 if needs_gradient else 1)  # H, and gradients of H, K, V
        return measure_memory(call, torch.device("cpu")).peak_net_bytes - outputs

    assert beyond(32_768) <= beyond(16_384)


def test_a_layer_runs_at_a_million_tokens():
    layer = create_attention("anchor", 16, 1, num_anchors=4, impl="chunked").eval()
    x = torch.randn(1, 2**20, 16)
    with torch.inference_mode():
        out = layer(x, (2**10, 2**10))
        layer.impl = "reference"
        torch.testing.assert_close(out, layer(x, (2**10, 2**10)), rtol=1e-4, atol=1e-5)
