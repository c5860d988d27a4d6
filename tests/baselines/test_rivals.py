"""Other people's mechanisms equal plain forms of their equations, or timm's modules."""

import pytest
import torch
from plain_attention import DIM, GRIDS, HEADS, WIDTH, layer, query_key_value, tokens
from torch.nn import functional as F

from attnbench.attention.factory import create_attention
from baselines.nystrom import inverted
from baselines.performer import random_features


def merged(mixed):
    return mixed.transpose(1, 2).flatten(2)


def softmax(scores):
    return (scores / WIDTH**0.5).softmax(-1)


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize("grid", [(4, 6), (2, 2)])
def test_agents_are_the_means_of_cells(grid, impl):
    attention, x = layer("agent", agents_side=2, table_side=4, impl=impl), tokens(grid)
    query, key, value = query_key_value(attention, x)
    cells = query.unflatten(2, (2, grid[0] // 2, 2, grid[1] // 2))
    agents = cells.mean((3, 5)).flatten(2, 3)
    zero = torch.zeros_like
    for parameter in (*attention.reading_bias.parameters(), *attention.writing_bias.parameters()):
        parameter.data = zero(parameter)
    read = softmax(agents @ key.transpose(-2, -1)) @ value
    mixed = softmax(query @ agents.transpose(-2, -1)) @ read
    image = merged(value).transpose(1, 2).unflatten(2, grid)
    local = attention.local(image).flatten(2).transpose(1, 2)
    torch.testing.assert_close(attention(x, grid), attention.proj(merged(mixed) + local))


def test_biases_of_agents_are_those_of_their_rows_and_columns():
    bias = layer("agent", agents_side=2, table_side=7).reading_bias
    sums = (
        bias.block + bias.rows[..., None] + bias.columns[..., None, :]
    )  # at 7 × 7 nothing is resized
    torch.testing.assert_close(bias((7, 7)), sums.flatten(2))
    assert bias((3, 9)).shape == (HEADS, 4, 27)


def test_random_features_are_at_right_angles_in_blocks():
    drawn = random_features(10, 4)
    angles = F.normalize(drawn, dim=1)
    for block in angles.split(4):
        torch.testing.assert_close(block @ block.T, torch.eye(len(block)), atol=1e-5, rtol=1e-5)


def test_performer_comes_close_to_softmax_with_many_features():
    x = tokens((4, 5)) / 2
    few, many = (layer("performer", num_features=m) for m in (4, 4000))
    dense = create_attention("dense", DIM, HEADS).double()
    dense.load_state_dict(many.state_dict(), strict=False)
    exact = dense(x, (4, 5))
    errors = [(one(x, (4, 5)) - exact).abs().mean() for one in (few, many)]
    assert errors[1] < errors[0] / 4
    assert errors[1] < 0.1 * exact.abs().mean()


def test_performer_draws_when_it_is_built_and_never_again():
    first, x = layer("performer"), tokens((3, 5))
    state = torch.get_rng_state()
    first(x, (3, 5))
    assert torch.equal(state, torch.get_rng_state())
    assert "features" in first.state_dict()
    torch.testing.assert_close(layer("performer")(x, (3, 5)), first(x, (3, 5)), rtol=0, atol=0)


def test_nystrom_inverts_what_is_not_too_small():
    torch.manual_seed(0)
    matrix = (torch.eye(5, dtype=torch.float64) * 3).softmax(-1).expand(2, 5, 5)
    torch.testing.assert_close(inverted(matrix), torch.linalg.pinv(matrix), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("grid", "landmarks"), [((3, 5), 5), ((3, 5), 4), ((1, 4), 9)])
def test_nystrom_is_three_softmaxes_over_means_of_segments(grid, landmarks):
    attention, x = layer("nystrom", num_landmarks=landmarks), tokens(grid)
    query, key, value = query_key_value(attention, x)
    n = x.shape[1]
    m = min(landmarks, n)
    cuts = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
    few_q, few_k = (
        torch.stack([t[:, :, a:b].mean(2) for a, b in cuts], dim=2) for t in (query, key)
    )
    middle = inverted(softmax(few_q @ few_k.transpose(-2, -1)))
    read = softmax(few_q @ key.transpose(-2, -1)) @ value
    mixed = softmax(query @ few_k.transpose(-2, -1)) @ middle @ read
    torch.testing.assert_close(attention(x, grid), attention.proj(merged(mixed)))


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize("grid", GRIDS)
def test_pooled_equals_timm_on_copied_weights(grid, impl):
    from timm.models.mvitv2 import MultiScaleAttention

    theirs = MultiScaleAttention(
        DIM, DIM, feat_size=grid, num_heads=HEADS, kernel_q=(3, 3), kernel_kv=(3, 3),
        stride_kv=(2, 2), has_cls_token=False, rel_pos_type="none", norm_layer=torch.nn.LayerNorm,
    ).double()  # fmt: skip
    attention, x = layer("pooled", stride=2, impl=impl), tokens(grid)
    renamed = {
        name.replace(".conv.", ".").replace("pool_q.norm", "norm_q")
        .replace("pool_k.norm", "norm_k").replace("pool_v.norm", "norm_v"): tensor
        for name, tensor in attention.state_dict().items()
    }  # fmt: skip
    theirs.load_state_dict(renamed)
    for norm in (theirs.norm_q, theirs.norm_k, theirs.norm_v):
        norm.eps = 1e-6
    torch.testing.assert_close(attention(x, grid), theirs(x, grid)[0])


@pytest.mark.parametrize("grid", GRIDS)
def test_focused_linear_is_its_n_by_n_form(grid):
    attention, x = layer("focused-linear"), tokens(grid)
    query, key, value = query_key_value(attention, x)

    def focused(t):
        kept = t.relu()
        sharp = kept**3
        return sharp * kept.norm(dim=-1, keepdim=True) / sharp.norm(dim=-1, keepdim=True)

    weights = focused(query).nan_to_num() @ focused(key).nan_to_num().transpose(-2, -1)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-12)
    image = value.flatten(0, 1).transpose(1, 2).unflatten(2, grid)
    local = attention.local(image).flatten(2).transpose(1, 2).unflatten(0, (2, HEADS))
    expected = attention.proj(merged(weights @ value + local))
    torch.testing.assert_close(attention(x, grid), expected)


def test_msla_equals_timm_on_copied_weights():
    from timm.models.efficientvit_mit import LiteMLA

    grid = (3, 5)
    theirs = LiteMLA(DIM, DIM, HEADS, dim=WIDTH, norm_layer=(None, None), use_bias=(True, True))
    theirs = theirs.double().eval()
    attention, x = layer("msla"), tokens(grid)
    # timm keeps the query, key and value of a head together; here all queries come first.
    order = torch.arange(3 * DIM).unflatten(0, (3, HEADS, WIDTH)).transpose(0, 1).flatten()
    state = attention.state_dict()
    renamed = {
        "qkv.conv.weight": state["qkv.weight"][order, :, None, None],
        "qkv.conv.bias": state["qkv.bias"][order],
        "aggreg.0.0.weight": state["aggregate.0.weight"][order],
        "aggreg.0.1.weight": state["aggregate.1.weight"][order],
        "proj.conv.weight": state["proj.weight"][..., None, None],
        "proj.conv.bias": state["proj.bias"],
    }
    theirs.load_state_dict(renamed, strict=False)
    for convolution in theirs.aggreg[0]:
        convolution.bias = None
    image = x.transpose(1, 2).unflatten(2, grid)
    expected = theirs(image).flatten(2).transpose(1, 2)
    torch.testing.assert_close(attention(x, grid), expected, rtol=1e-4, atol=1e-4)
