"""Laws of the Markov step (AnchorFormer, section 3) in float64, and its numerics below that."""

import math

import pytest
import torch

from attnbench.attention.anchor import (
    ANCHOR_STD,
    AnchorAttention,
    anchor_means,
    bipartite_attention,
    markov_step,
)

BATCH, HEADS, TOKENS, ANCHORS, WIDTH = 2, 3, 35, 5, 8


@pytest.fixture
def A():
    key = torch.randn(BATCH, HEADS, TOKENS, WIDTH, dtype=torch.float64)
    anchors = torch.randn(1, ANCHORS, WIDTH, dtype=torch.float64)
    return bipartite_attention(key, anchors, WIDTH**-0.5)


@pytest.fixture
def S(A):
    """S = A Δ⁻¹ Aᵀ, formed as eq. 9 prints it."""
    inverse_degrees = torch.diag_embed(1 / A.sum(-2))
    return A @ inverse_degrees @ A.transpose(-2, -1)


def test_rows_of_A_are_distributions_over_the_anchors(A):
    assert A.shape == (BATCH, HEADS, TOKENS, ANCHORS)
    assert (A >= 0).all()
    torch.testing.assert_close(A.sum(-1), torch.ones_like(A[..., 0]))


def test_S_is_symmetric_and_doubly_stochastic(S):
    torch.testing.assert_close(S, S.transpose(-2, -1))
    torch.testing.assert_close(S.sum(-1), torch.ones_like(S[..., 0]))
    torch.testing.assert_close(S.sum(-2), torch.ones_like(S[..., 0]))


def test_S_is_positive_semidefinite_of_rank_at_most_m(S):
    eigenvalues = torch.linalg.eigvalsh(S)
    assert eigenvalues.min() > -1e-12
    assert ((eigenvalues > 1e-10).sum(-1) <= ANCHORS).all()
    torch.testing.assert_close(eigenvalues[..., -1], torch.ones_like(eigenvalues[..., -1]))


def test_right_to_left_equals_the_explicit_S(A, S):
    value = torch.randn(BATCH, HEADS, TOKENS, WIDTH, dtype=torch.float64)
    torch.testing.assert_close(markov_step(A, value), S @ value)


def test_one_anchor_gives_every_token_the_mean():
    layer = AnchorAttention(12, 2, num_anchors=1).double()
    x = torch.randn(2, 35, 12, dtype=torch.float64)
    mean = layer.proj(layer.kv(x)[..., 12:].mean(1, keepdim=True))
    torch.testing.assert_close(layer(x, (5, 7)), mean.expand_as(x))


@pytest.mark.parametrize("per_head", [False, True])
def test_permuting_tokens_permutes_the_output(per_head):
    layer = AnchorAttention(12, 2, num_anchors=5, per_head=per_head).double()
    x, order = torch.randn(2, 35, 12, dtype=torch.float64), torch.randperm(35)
    torch.testing.assert_close(layer(x[:, order], (5, 7)), layer(x, (5, 7))[:, order])


def test_permuting_anchors_changes_nothing():
    layer = AnchorAttention(12, 2, num_anchors=5).double()
    x = torch.randn(2, 35, 12, dtype=torch.float64)
    before = layer(x, (5, 7))
    layer.anchors.data = layer.anchors.data[:, torch.randperm(5)]
    torch.testing.assert_close(layer(x, (5, 7)), before)


def test_gradients_of_keys_anchors_and_values_are_right():
    key = torch.randn(1, 2, 7, 4, dtype=torch.float64, requires_grad=True)
    value = torch.randn(1, 2, 7, 3, dtype=torch.float64, requires_grad=True)
    anchors = torch.randn(1, 3, 4, dtype=torch.float64, requires_grad=True)
    step = lambda k, v, u: markov_step(bipartite_attention(k, u, 0.5), v)  # noqa: E731
    assert torch.autograd.gradcheck(step, (key, value, anchors))


def test_per_head_has_one_set_of_anchors_per_head():
    shared, own = (AnchorAttention(12, 2, num_anchors=5, per_head=p) for p in (False, True))
    assert shared.anchors.shape == (1, 5, 6)
    assert own.anchors.shape == (2, 5, 6)
    own.load_state_dict({**shared.state_dict(), "anchors": shared.anchors.expand(2, -1, -1)})
    x = torch.randn(2, 35, 12)
    torch.testing.assert_close(own(x, (5, 7)), shared(x, (5, 7)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_an_anchor_that_receives_nothing_gives_nothing_and_no_nan(dtype):
    A = torch.zeros(1, 1, 6, 3, dtype=torch.float32)
    A[..., 0] = 1  # all mass on the first anchor; the others have degree zero
    A.requires_grad_()
    value = torch.randn(1, 1, 6, 4).to(dtype).requires_grad_()
    out = markov_step(A, value)
    out.float().sum().backward()
    torch.testing.assert_close(out.float(), value.float().mean(-2, keepdim=True).expand_as(out),
                               atol=0.02, rtol=0.01)  # fmt: skip
    assert anchor_means(A, value)[..., 1:, :].eq(0).all()
    assert A.grad.isfinite().all()
    assert value.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_huge_logits_stay_finite(dtype):
    layer = AnchorAttention(12, 2, num_anchors=5).to(dtype)
    x = (1e3 * torch.randn(2, 35, 12)).to(dtype).requires_grad_()
    y = layer(x, (5, 7))
    y.float().sum().backward()
    assert y.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


@torch.no_grad()
def start_of_training(anchor_std, key_std=None):
    """Row entropy of A, as a share of a uniform row's, on normalised tokens."""
    dim, num_heads = 192, 6
    layer = AnchorAttention(dim, num_heads)
    torch.nn.init.normal_(layer.anchors, std=anchor_std)
    if key_std is not None:
        torch.nn.init.normal_(layer.kv.weight[:dim].data, std=key_std)
    x = torch.nn.functional.layer_norm(torch.randn(4, 196, dim), (dim,))
    A = layer.assignment(x)
    return float(-(A * A.log()).sum(-1).mean() / math.log(layer.num_anchors))


def test_usual_initialisations_start_with_a_uniform_assignment():
    torch_default = start_of_training((3 * 32) ** -0.5, key_std=(3 * 192) ** -0.5)
    assert torch_default > 0.998
    assert start_of_training(0.02, key_std=0.02) > 0.998


def test_ours_starts_with_tokens_that_choose():
    layer = AnchorAttention(192, 6)
    assert 0.9 < layer.anchors.std() / ANCHOR_STD < 1.1
    assert 0.5 < start_of_training(ANCHOR_STD) < 0.75
