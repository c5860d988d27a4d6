"""The folded anchor layer equals the reference layer, with fewer products."""

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.kernels.anchor.folded import anchor_layer

SIZES = [(1, 1, (1, 1), 16, 1), (2, 3, (5, 7), 24, 5), (3, 2, (9, 7), 32, 30)]
"""Batch, heads, grid, dim, anchors."""


def layers(dim, heads, anchors, **options):
    folded, plain = (
        create_attention("anchor", dim, heads, num_anchors=anchors, impl=impl, **options).double()
        for impl in ("folded", "reference")
    )
    if plain.kv.bias is not None:
        torch.nn.init.normal_(plain.kv.bias)
    folded.load_state_dict(plain.state_dict())
    return folded, plain


@pytest.mark.parametrize("qkv_bias", [False, True])
@pytest.mark.parametrize("per_head", [False, True])
@pytest.mark.parametrize(("batch", "heads", "grid", "dim", "anchors"), SIZES)
def test_equals_the_layer_forward_and_backward(
    batch, heads, grid, dim, anchors, per_head, qkv_bias
):
    folded, plain = layers(dim, heads, anchors, per_head=per_head, qkv_bias=qkv_bias)
    x = torch.randn(batch, grid[0] * grid[1], dim, dtype=torch.float64, requires_grad=True)
    ours, theirs = folded(x, grid), plain(x, grid)
    torch.testing.assert_close(ours, theirs)
    seed = torch.randn_like(ours)
    ours, theirs = (
        torch.autograd.grad(y, [x, *layer.parameters()], seed)
        for y, layer in ((ours, folded), (theirs, plain))
    )
    torch.testing.assert_close(ours, theirs)


def test_an_anchor_that_nobody_chose_hands_out_no_value_bias():
    folded, plain = layers(16, 2, 3, qkv_bias=True)
    for layer in (folded, plain):
        layer.anchors.data[0, 1] = 0.0
        layer.anchors.data[0, 1, 0] = -1e6
        layer.kv.bias.data[[0, 8]] = 1e4  # every key points away from that anchor
    x = torch.randn(2, 35, 16, dtype=torch.float64)
    assert plain.assignment(x)[..., 1].max() == 0
    torch.testing.assert_close(folded(x, (5, 7)), plain(x, (5, 7)))


@pytest.mark.parametrize(("anchors", "fewer"), [(7, True), (8, False), (9, False)])
def test_has_fewer_products_where_an_anchor_costs_less_than_a_channel(anchors, fewer):
    folded, plain = layers(32, 4, anchors)  # head width 8
    grid = (1024, 1024)  # so many tokens that what is m-sized counts for nothing
    per_token = (layer.macs(grid) / 2**20 for layer in (folded, plain))
    ours, theirs = per_token
    core = 3 * anchors * 32  # the plain layer has these beside its projections
    assert (ours < theirs - core) == fewer


def test_compiles_whole():
    folded, _ = layers(24, 3, 5)
    weights = (folded.kv.weight, None, folded.anchors, folded.proj.weight, folded.proj.bias)
    x = torch.randn(2, 35, 24, dtype=torch.float64)
    compiled = torch.compile(anchor_layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x, *weights, 3, folded.scale), folded(x, (5, 7)))
