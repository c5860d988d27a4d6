"""Castling attention equals its n × n form; sizes of the models with it."""

from math import pi

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.models.factory import create_model
from attnbench.profiling.counting.macs import count_forward_macs
from attnbench.profiling.counting.torch_count import count_by_torch
from baselines.castling_attention import TAPS, linear_angular, unit

DIM, HEADS = 12, 2


def by_loops(layer, x):
    """Each token's mixture over all tokens, by the expanded kernel, then its nine neighbours."""
    query, key, value = layer.qkv(x).unflatten(-1, (3, HEADS, -1)).unbind(2)
    out = torch.zeros_like(value)
    tokens = x.shape[1]
    for head in range(HEADS):
        q, k, v = (t[:, :, head] for t in (query, key, value))
        cosine = (q @ k.transpose(1, 2)) / (q.norm(dim=2)[:, :, None] * k.norm(dim=2)[:, None])
        mixed = (torch.eye(tokens, dtype=x.dtype) / 2 + cosine / pi) @ v
        taps = layer.local.weight[head, 0, :, 0]
        for n in range(tokens):
            out[:, n, head] = mixed[:, n] / mixed[:, n].norm(dim=1, keepdim=True)
            for tap in range(TAPS):
                if 0 <= (other := n + tap - TAPS // 2) < tokens:
                    out[:, n, head] += taps[tap] * v[:, other]
    return layer.proj(out.flatten(2))


@pytest.mark.parametrize(("grid", "prefix"), [((3, 5), 0), ((1, 1), 0), ((4, 3), 1), ((2, 2), 2)])
def test_equals_the_form_with_a_matrix_of_all_pairs(grid, prefix):
    layer = create_attention("castling", DIM, HEADS, num_prefix_tokens=prefix).double()
    x = torch.randn(3, prefix + grid[0] * grid[1], DIM, dtype=torch.float64)
    torch.testing.assert_close(layer(x, grid), by_loops(layer, x))


def test_the_two_terms_are_the_start_of_the_angular_kernel():
    """The kernel is 1 - angle / π = 1/2 + arcsin(cosine) / π; what is cut off is of third order."""
    query, key = (unit(torch.randn(1, 1, 9, 6, dtype=torch.float64)) for _ in range(2))
    cosine = query @ key.transpose(-2, -1)
    cut_off = (1 - cosine.acos() / pi) - (1 / 2 + cosine / pi)
    assert (cut_off.abs() <= (1 / 2 - 1 / pi) * cosine.abs() ** 3 + 1e-12).all()


def test_lengths_of_queries_and_keys_do_not_matter_and_zeros_are_finite():
    query, key, value = torch.randn(3, 2, HEADS, 7, 4).double().unbind()
    mixed = linear_angular(query, key, value)
    torch.testing.assert_close(linear_angular(3 * query, key / 5, value), mixed)
    layer = create_attention("castling", DIM, HEADS)
    x = torch.zeros(1, 6, DIM, requires_grad=True)
    layer(x, (2, 3)).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("name", "params", "products", "with_norms"),
    # The closed form is DeiT's parameters and 9 for each head of each layer. GMACs of the authors'
    # attention in timm's trunk: products alone, and with five operations an element of each norm.
    [
        ("castling-deit-t", 5_717_740, 1.1370, 1.142),
        pytest.param("castling-deit-s", 22_051_312, 4.3656, 4.375, marks=pytest.mark.slow),
        pytest.param("castling-deit-b", 86_568_952, 17.0972, 17.116, marks=pytest.mark.slow),
    ],
)
def test_a_classifier_has_the_published_size(name, params, products, with_norms):
    with torch.device("meta"):
        model = create_model(name).eval()
        macs = count_forward_macs(model, (torch.empty(1, 3, 224, 224),))
    assert sum(p.numel() for p in model.parameters()) == params
    assert macs.products_macs / 1e9 == pytest.approx(products, abs=6e-5)
    assert (macs.products_macs + macs.norms_ops) / 1e9 == pytest.approx(with_norms, abs=6e-4)


@pytest.mark.parametrize(
    ("name", "side", "params", "giga_macs"),
    # AnchorFormer's table 2 prints 3.3 M / 1.1 G, 6.0 M / 2.0 G, 13.1 M / 5.3 G (the last doubled).
    [
        ("castling-det-s", 320, 3_265_459, 1.0798),
        ("castling-det-m", 416, 6_020_346, 1.9030),
        ("castling-det-l", 416, 13_105_347, 5.4071 / 2),
    ],
)
def test_a_detector_has_the_size_that_is_nearest_to_the_printed_one(name, side, params, giga_macs):
    with torch.device("meta"):
        model = create_model(name, 80, side).eval()
        macs = count_by_torch(model, (torch.empty(1, 3, side, side),), ())
    assert sum(p.numel() for p in model.parameters()) == params
    assert macs.products_macs / 1e9 == pytest.approx(giga_macs, abs=6e-5)


def test_a_detector_learns_in_every_parameter_on_odd_images():
    model = create_model("castling-det-s", 3, 64)
    outputs = model(torch.randn(2, 3, 70, 53))
    sum(one.square().sum() for one in outputs).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
