"""The Triton kernels of anchor attention against float64, interpreted or on a GPU."""

import math
from dataclasses import dataclass

import pytest
import torch

from attnbench.attention.anchor import LEAST_DEGREE, anchor_means, bipartite_attention, markov_step
from attnbench.kernels.anchor import triton_support

pytest.importorskip("triton")
from attnbench.kernels.anchor.triton_backward import backward
from attnbench.kernels.anchor.triton_forward import forward

F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
SIZES = [  # batch, heads, tokens, anchors, head width, one set of anchors for each head
    (1, 1, 1, 3, 16, False),
    (2, 2, 7, 1, 32, False),
    (1, 3, 63, 30, 24, True),
    (2, 1, 65, 30, 64, False),
    (1, 1, 200, 30, 48, False),
    (1, 1, 18, 130, 40, True),
    (1, 1, 65, 256, 16, False),
]
LARGE = [  # and the dtype
    (2, 1, 130, 100, 64, False, F16),
    (1, 2, 30, 100, 128, True, BF16),
    (1, 1, 65, 256, 128, False, BF16),
    (1, 2, 1100, 30, 64, True, F32),
]
CASES = [
    *(pytest.param(*size, dtype) for size in SIZES for dtype in (F32, F16, BF16)),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in LARGE),
]


F = 2.0**-24
"""Unit roundoff of float32, in which kernels add."""


def inputs(batch, heads, tokens, num_anchors, head_dim, dtype, *, per_head=False):
    """K and V as views of one projection, as layers pass them; U; and a gradient of H."""
    both = torch.randn(batch, tokens, 2 * heads * head_dim).to(dtype)
    key, value = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in both.chunk(2, -1))
    anchors = (2 * torch.randn(heads if per_head else 1, num_anchors, head_dim)).to(dtype)
    grad_out = torch.randn(batch, tokens, heads, head_dim).to(dtype).transpose(1, 2)
    return key, value, anchors, grad_out


def exact(key, value, anchors, grad_out, scale, dtype=torch.float64):
    """The eager operators of `attention/anchor.py` and their autograd, in another dtype."""
    leaves = [t.detach().to(dtype).requires_grad_() for t in (key, value, anchors)]
    assignment = bipartite_attention(leaves[0], leaves[2], scale)
    out = markov_step(assignment, leaves[1])
    gradients = torch.autograd.grad(out, leaves, grad_out.to(dtype))
    means = anchor_means(assignment, leaves[1]).detach()
    return Exact(assignment.detach(), means, out.detach(), *gradients)


@dataclass
class Exact:
    """A, G, H and the gradients of K, V and U."""

    assignment: torch.Tensor
    means: torch.Tensor
    out: torch.Tensor
    grad_key: torch.Tensor
    grad_value: torch.Tensor
    grad_anchors: torch.Tensor


@dataclass
class Tolerances:
    """Bounds of absolute errors; of `means` times the mass of its anchor."""

    means: torch.Tensor
    out: float
    grad_key: float
    grad_value: float
    grad_anchors: float


def tolerances(key, value, anchors, grad_out, scale, truth):
    """First-order bounds: every rounding at its worst, magnitudes taken from the exact values.

    u is the unit roundoff of the dtype (twice bfloat16's, as the interpreter cuts off), f that of
    float32, t half the dtype's smallest number (what a mass too small for it may lose). Sums of
    k terms in float32 lose k f of the sum of their magnitudes. With L the largest Σ|k||u| scale of
    a logit:

        A      r = 2 (d + 6) f L + (m + 10) f       relative: logits, exp, sum, reciprocal
        AᵀV    r + u + n f                          A rounded to the dtype, n products
        G, dW  e = 2 r + u + 2 n f                  relative to the largest |V| or |dH|, as their
                                                    rows are means; and n t over the mass
        H, dV  e + r + 3 u + m f                    G and A rounded, and the result
        dA     2 e + 2 u + 3 d f                    relative to P, the largest Σ|dH||G| + Σ|V||dW|
                                                    + Σ|dW||G|
        dL     2 · that + 4 r + 2 (m + 4) f + u     relative to A P
        dK     that + u + m f                       relative to scale · P · largest |U|
        dU     that + N f                           relative to scale · P · largest |K| · largest
                                                    mass of an anchor, N tokens in all
    """
    n, d, m = key.shape[-2], key.shape[-1], anchors.shape[-2]
    u = torch.finfo(key.dtype).eps / (1 if key.dtype == BF16 else 2)
    tiny = torch.finfo(key.dtype).smallest_normal * torch.finfo(key.dtype).eps / 2
    k, v, a, g = (t.double().abs() for t in (key, value, anchors, grad_out))
    largest_logit = (k @ a.transpose(-2, -1)).max().item() * abs(scale)
    r = 2 * (d + 6) * F * largest_logit + (m + 10) * F
    e = 2 * r + u + 2 * n * F
    lost = m * n * tiny
    ends = e + r + 3 * u + m * F + lost
    mass = truth.assignment.sum(-2)
    pulls = _means_of(truth.assignment, grad_out.double()).abs()
    means = truth.means.abs()
    largest = (g @ means.transpose(-2, -1)) + (v @ pulls.transpose(-2, -1))
    largest = (largest + (pulls * means).sum(-1)[..., None, :]).max().item()
    slope = 2 * (2 * e + 2 * u + 3 * d * F) + 4 * r + 2 * (m + 4) * F + u + 2 * lost
    total = mass.sum(0) if len(anchors) > 1 else mass.sum((0, 1))
    count = n * len(key) * (1 if len(anchors) > 1 else key.shape[1])
    return Tolerances(
        means=v.max() * (e * mass[..., None] + n * tiny),
        out=v.max().item() * ends,
        grad_value=g.max().item() * ends,
        grad_key=abs(scale) * largest * a.max().item() * (slope + u + m * F),
        grad_anchors=abs(scale) * largest * k.max().item() * (
            (slope + count * F) * total.max().item() + count * tiny
        ),
    )  # fmt: skip


def _means_of(assignment, rows):
    """Δ⁻¹ Aᵀ of any rows."""
    mass = assignment.sum(-2)[..., None]
    summed = assignment.transpose(-2, -1) @ rows
    return torch.where(mass > LEAST_DEGREE, summed / mass.clamp_min(LEAST_DEGREE), 0.0)


def both(run, key, value, anchors, grad_out, scale):
    """H, G, Δ⁻¹ and the gradients of K, V and U."""
    out, means, inverse = run(forward, key, value, anchors, scale)
    gradients = run(backward, grad_out, key, value, anchors, scale, means, inverse)
    return out, means, inverse, *gradients


def furthest(found, expected):
    return (found.double() - expected).abs().max().item()


def check(run, key, value, anchors, grad_out, scale=None):
    """All results are within what rounding explains; returns them."""
    scale = scale or key.shape[-1] ** -0.5
    truth = exact(key, value, anchors, grad_out, scale)
    bound = tolerances(key, value, anchors, grad_out, scale, truth)
    found = both(run, key, value, anchors, grad_out, scale)
    out, means, _, grad_key, grad_value, grad_anchors = found
    mass = truth.assignment.sum(-2)[..., None]
    assert ((means.double() - truth.means).abs() * mass <= bound.means).all()
    assert furthest(out, truth.out) <= bound.out
    assert furthest(grad_key, truth.grad_key) <= bound.grad_key
    assert furthest(grad_value, truth.grad_value) <= bound.grad_value
    assert furthest(grad_anchors, truth.grad_anchors) <= bound.grad_anchors
    return found


@pytest.mark.parametrize(
    ("batch", "heads", "tokens", "num_anchors", "head_dim", "per_head", "dtype"), CASES
)
def test_equals_float64(run, batch, heads, tokens, num_anchors, head_dim, per_head, dtype):
    sizes = (batch, heads, tokens, num_anchors, head_dim)
    key, value, anchors, grad_out = inputs(*sizes, dtype, per_head=per_head)
    out, means, inverse, *gradients = check(run, key, value, anchors, grad_out)
    for result, like in zip((out, *gradients), (value, key, value, anchors), strict=True):
        assert (result.dtype, result.shape) == (dtype, like.shape)
    assert means.dtype == inverse.dtype == F32
    for result in (out, *gradients[:2]):
        assert result.transpose(1, 2).is_contiguous()  # heads merge without a copy


def test_tolerances_tell_a_gradient_that_forgets_the_masses():
    """The smallest term of the backward pass, left out, is more than rounding explains."""
    given = (*inputs(2, 1, 65, 30, 64, F32), 64**-0.5)
    truth = exact(*given)
    bound = tolerances(*given, truth)
    key, value, anchors, grad_out, scale = given
    leaves = [t.double().requires_grad_() for t in (key, anchors)]
    assignment = bipartite_attention(*leaves, scale)
    mass = assignment.detach().sum(-2)[..., None]
    out = assignment @ (assignment.transpose(-2, -1) @ value.double() / mass)
    assert furthest(out, truth.out) <= bound.out
    wrong = torch.autograd.grad(out, leaves, grad_out.double())
    assert furthest(wrong[0], truth.grad_key) > bound.grad_key
    assert furthest(wrong[1], truth.grad_anchors) > bound.grad_anchors


VIEWS = {
    "channels first": lambda t: t.transpose(-2, -1).contiguous().transpose(-2, -1),
    "tokens outermost": lambda t: t.permute(2, 0, 1, 3).contiguous().permute(1, 2, 0, 3),
    "every second token": lambda t: t.repeat_interleave(2, 2)[:, :, ::2],
    "one token for all": lambda t: t[:, :, :1].expand_as(t),
    "one head for all": lambda t: t[:, :1].expand_as(t),
    "one sequence for all": lambda t: t[:1].expand_as(t),
    "one number for a row": lambda t: t[..., :1].expand_as(t),
}


@pytest.mark.parametrize("view", VIEWS)
def test_any_strides(run, view):
    key, value, anchors, grad_out = inputs(2, 2, 20, 5, 16, F32, per_head=True)
    key, value, grad_out = (VIEWS[view](t) for t in (key, value, grad_out))
    check(run, key, value, anchors[:1].expand(2, 5, 16), grad_out)


@pytest.mark.parametrize("shape", [(0, 2, 5, 16), (2, 0, 5, 16), (2, 2, 0, 16)])
def test_nothing_in_nothing_out(run, shape):
    empty, anchors = torch.empty(shape), torch.randn(1, 3, 16)
    out, means, inverse, *gradients = both(run, empty, empty, anchors, empty, 0.25)
    assert out.shape == gradients[0].shape == gradients[1].shape == shape
    assert means.shape == (*shape[:2], 3, 16)
    assert not means.any()
    assert not inverse.any()
    assert torch.equal(gradients[2], torch.zeros(1, 3, 16))


@pytest.mark.parametrize("poison", [math.nan, math.inf])
@pytest.mark.parametrize("which", range(4))
def test_what_is_no_number_spreads_as_in_the_reference(run, which, poison):
    given = [t.clone() for t in inputs(1, 2, 20, 3, 24, F32)]
    given[which][(0,) * (given[which].ndim - 2) + (2, 7)] = poison
    truth = exact(*given, 0.2, dtype=F32)
    out, means, _, *gradients = both(run, *given, 0.2)
    for found, name in zip((out, means, *gradients), NAMES, strict=True):
        expected = getattr(truth, name)
        assert torch.equal(found.isnan(), expected.isnan()), name
        assert torch.equal(found.isposinf(), expected.isposinf()), name


NAMES = ("out", "means", "grad_key", "grad_value", "grad_anchors")


@pytest.mark.parametrize("dtype", [F32, F16, BF16])
def test_huge_logits_choose_one_anchor_each(run, dtype):
    """Logits of 10,000 and 0: A is exactly one-hot, and H the mean over those who chose alike."""
    chosen = torch.randint(5, (40,))
    anchors = 100 * torch.eye(5, 16).to(dtype)
    value = torch.randint(-8, 8, (1, 1, 40, 16)).to(dtype)
    out, *_, grad_key, grad_value, grad_anchors = both(
        run, anchors[chosen][None, None], value, anchors[None], torch.ones_like(value), 1.0
    )
    alike = (chosen[:, None] == chosen).double()
    mean = alike / alike.sum(-1, keepdim=True) @ value.double()
    assert furthest(out, mean) <= 3 * torch.finfo(dtype).eps * 8
    assert furthest(grad_value, torch.ones_like(mean)) <= 3 * torch.finfo(dtype).eps
    assert not grad_key.any()  # a saturated softmax has no slope
    assert not grad_anchors.any()


@pytest.mark.parametrize("dtype", [F32, F16, BF16])
def test_an_anchor_without_mass_gives_and_gets_nothing(run, dtype):
    key, value, anchors, grad_out = inputs(1, 2, 40, 4, 16, dtype)
    key, anchors = key.abs().clamp_min(0.5), anchors.abs()
    # The last one, so that products add up the others in the same order without it.
    anchors[:, 3] = -2000  # logits of about -10,000
    key[..., :] = key.clamp_max(2.0)
    out, means, inverse, *gradients = check(run, key, value, anchors, grad_out)
    assert not inverse[..., 3].any()
    assert not means[..., 3, :].any()
    assert not gradients[2][:, 3].any()
    others = [0, 1, 2]
    without = both(run, key, value, anchors[:, others], grad_out, 0.25)
    assert torch.equal(out, without[0])
    assert torch.equal(gradients[0], without[3])
    assert torch.equal(gradients[2][:, others], without[5])


@pytest.mark.parametrize("tokens", [40, 290])
def test_two_runs_are_equal_to_the_bit(run, tokens):
    given = (*inputs(1, 1, tokens, 3, 16, F32), 0.25)
    for first, second in zip(both(run, *given), both(run, *given), strict=True):
        assert torch.equal(first, second)


def test_sharing_a_head_changes_rounding_alone(run):
    """One head of 290 tokens is shared by programs; the same among many heads is not."""
    device = torch.device("cuda" if "cuda" in run.__name__ else "cpu")
    many = 2 * triton_support.multiprocessors(device)
    key, value, anchors, grad_out = inputs(1, 1, 290, 3, 16, F32)
    alone = check(run, key, value, anchors, grad_out)
    given = (t.expand(many, -1, -1, -1) for t in (key, value, grad_out))
    wide_key, wide_value, wide_grad = given
    among = both(run, wide_key, wide_value, anchors, wide_grad, 0.25)
    for part, whole in zip((*alone[:5], alone[5] * many), among, strict=True):
        whole = whole[:1]
        assert (part - whole).abs().max() <= 1e-5 * whole.abs().max()
    for result in among[:5]:  # every program did the same
        assert torch.equal(result, result[:1].expand_as(result))
