"""The families of one mechanism each equal plain forms of their equations."""

import pytest
import torch
from plain_attention import DIM, GRIDS, HEADS, WIDTH, layer, query_key_value, split, tokens
from torch.nn import functional as F

from attnbench.attention.factory import attention_class, create_attention
from attnbench.errors import UserError
from attnbench.spec import Workload


def projected(attention, mixed):
    return attention.proj(mixed.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("name", ["identity", "mean"])
def test_a_control_is_its_matrix_times_the_values(name):
    attention, x = layer(name), tokens((3, 5))
    eye = torch.eye(15, dtype=torch.float64)
    matrix = eye if name == "identity" else torch.full_like(eye, 1 / 15)
    torch.testing.assert_close(attention(x, (3, 5)), attention.proj(matrix @ attention.v(x)))


@pytest.mark.parametrize("feature", ["elu", "relu"])
@pytest.mark.parametrize("grid", GRIDS)
def test_linear_is_its_n_by_n_form(grid, feature):
    attention, x = layer("linear", feature=feature), tokens(grid)
    query, key, value = query_key_value(attention, x)
    phi = F.relu if feature == "relu" else lambda t: F.elu(t) + 1
    weights = phi(query) @ phi(key).transpose(-2, -1)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-12)
    torch.testing.assert_close(attention(x, grid), projected(attention, weights @ value))


def test_linear_gives_zero_where_relu_leaves_nothing():
    attention = layer("linear", feature="relu", qkv_bias=False)
    torch.nn.init.constant_(attention.qkv.weight, -1.0)
    x = torch.ones(1, 4, DIM, dtype=torch.float64, requires_grad=True)
    y = attention(x, (2, 2))
    y.sum().backward()
    torch.testing.assert_close(y, attention.proj.bias.expand_as(y))
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
def test_inducing_is_two_softmax_attentions(impl):
    attention, x = layer("inducing", num_points=3, impl=impl), tokens((3, 5))
    query, key, value = query_key_value(attention, x)
    read = (attention.points @ key.transpose(-2, -1) / WIDTH**0.5).softmax(-1) @ value
    keys, values = (
        split(t) for t in attention.kv_points(read.transpose(1, 2).flatten(2)).chunk(2, dim=-1)
    )
    mixed = (query @ keys.transpose(-2, -1) / WIDTH**0.5).softmax(-1) @ values
    torch.testing.assert_close(attention(x, (3, 5)), projected(attention, mixed))


def test_xca_equals_timm_on_copied_weights():
    from timm.models.xcit import XCA

    theirs = XCA(DIM, HEADS, qkv_bias=True).double().eval()
    attention, x = layer("xca"), tokens((3, 5))
    theirs.load_state_dict(attention.state_dict())
    torch.testing.assert_close(attention(x, (3, 5)), theirs(x))


@pytest.mark.parametrize("num_prefix_tokens", [0, 1])
def test_linformer_of_the_unit_matrix_is_dense(num_prefix_tokens):
    n = num_prefix_tokens + 9
    attention = layer("linformer", rank=n, table_side=3, num_prefix_tokens=num_prefix_tokens)
    dense = create_attention("dense", DIM, HEADS).double()
    dense.load_state_dict(attention.state_dict(), strict=False)
    with torch.no_grad():
        attention.key_rows.copy_(torch.eye(n))
        attention.value_rows.copy_(torch.eye(n))
    x = torch.randn(2, n, DIM, dtype=torch.float64)
    torch.testing.assert_close(attention(x, (3, 3)), dense(x, (3, 3)))


def test_linformer_sees_an_even_map_alike_at_any_size():
    attention = layer("linformer", rank=4, table_side=5)
    one = torch.randn(1, 1, DIM, dtype=torch.float64)
    small = attention(one.expand(1, 25, -1), (5, 5))
    large = attention(one.expand(1, 100, -1), (10, 10))
    torch.testing.assert_close(large[:, :25], small, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize("grid", GRIDS)
def test_axial_is_masked_dense_twice(grid, impl):
    attention, x = layer("axial", impl=impl), tokens(grid)
    query, key, value = query_key_value(attention, x)
    place = torch.arange(grid[0] * grid[1])
    scores = query @ key.transpose(-2, -1) / WIDTH**0.5
    for line in (place // grid[1], place % grid[1]):
        apart = line[:, None] != line[None, :]
        value = scores.masked_fill(apart, float("-inf")).softmax(-1) @ value
    torch.testing.assert_close(attention(x, grid), projected(attention, value))


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize(("grid", "kernel_size"), [((3, 5), 3), ((6, 6), 5), ((1, 4), 3)])
def test_neighborhood_is_softmax_over_unfolded_windows(grid, kernel_size, impl):
    attention = layer("neighborhood", kernel_size=kernel_size, impl=impl)
    x = tokens(grid)
    query, key, value = query_key_value(attention, x)
    mixed = torch.empty_like(value)
    sides = [min(kernel_size, side) for side in grid]
    maps = [
        t.unflatten(2, grid).unfold(2, sides[0], 1).unfold(3, sides[1], 1) for t in (key, value)
    ]
    for n in range(x.shape[1]):
        corner = [
            min(max(place - kernel_size // 2, 0), side - window)
            for place, side, window in zip(divmod(n, grid[1]), grid, sides, strict=True)
        ]
        keys, values = (t[:, :, corner[0], corner[1]].flatten(3) for t in maps)
        scores = (query[:, :, n, :, None] * keys).sum(2) / WIDTH**0.5
        mixed[:, :, n] = (scores.softmax(-1)[:, :, None] * values).sum(-1)
    torch.testing.assert_close(attention(x, grid), projected(attention, mixed))


@pytest.mark.parametrize("grid", GRIDS)
def test_neighborhood_that_covers_the_map_is_dense(grid):
    attention, x = layer("neighborhood", kernel_size=13), tokens(grid)
    dense = create_attention("dense", DIM, HEADS).double()
    dense.load_state_dict(attention.state_dict())
    torch.testing.assert_close(attention(x, grid), dense(x, grid))


def test_untied_anchors_with_equal_maps_are_anchors():
    untied, x = layer("anchor-untied", num_anchors=4), tokens((3, 5))
    tied = create_attention("anchor", DIM, HEADS, num_anchors=4).double()
    tied.load_state_dict(untied.state_dict(), strict=False)
    assert not torch.allclose(untied(x, (3, 5)), tied(x, (3, 5)))
    with torch.no_grad():
        untied.writing_anchors.copy_(untied.anchors)
    torch.testing.assert_close(untied(x, (3, 5)), tied(x, (3, 5)))


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("linear", {"feature": "tanh"}, "feature must be 'elu' or 'relu', got 'tanh'"),
        ("neighborhood", {"kernel_size": 4}, "kernel_size must be at least 1 and odd, got 4"),
        ("linformer", {"table_side": 0}, "table_side must be at least 1, got 0"),
    ],
)
def test_options_out_of_range_are_refused_by_name(name, options, reason):
    with pytest.raises(UserError, match=reason):
        create_attention(name, DIM, HEADS, **options)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("linformer", {"rank": 17}, "rank must be at most the 16 tokens, got 17"),
        ("nystrom", {"num_landmarks": 17}, "num_landmarks must be at most the 16 tokens, got 17"),
        ("agent", {"agents_side": 5}, "agents_side must make at most the 16 tokens, got 5"),
    ],
)
def test_more_rows_than_tokens_are_refused_before_any_work(name, options, reason):
    workload = Workload(attention=name, grid=(4, 4), options=options)
    assert attention_class(name).unsupported(workload).startswith(reason)
    fewer = {option: value - 1 for option, value in options.items()}
    workload = Workload(attention=name, grid=(4, 4), options=fewer)
    assert attention_class(name).unsupported(workload) is None
