"""Focal attention equals plain loops over the three kinds of keys of each token."""

from itertools import product

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.attention.focal import FocalAttention, ring_places
from attnbench.attention.window import WindowAttention
from attnbench.errors import UserError

DIM, HEADS = 12, 2


def layer(window_size, impl="reference", **options):
    torch.manual_seed(0)
    built = FocalAttention(DIM, HEADS, window_size=window_size, impl=impl, **options).double()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return built


def pooled_windows(attention, x, grid):
    """Window (row, column) → one token; places outside of the map are zeros."""
    w = attention.window_size
    weight = attention.pool.weight[0].unflatten(0, (w, w))
    tokens = {}
    for top, left in product(range(0, grid[0], w), range(0, grid[1], w)):
        total = attention.pool.bias.expand(len(x), DIM)
        for i, j in product(range(w), range(w)):
            if top + i < grid[0] and left + j < grid[1]:
                total = total + weight[i, j] * x[:, (top + i) * grid[1] + left + j]
        tokens[top // w, left // w] = total
    return tokens


def copies(w):
    """Offsets from the window's first token: the four shifted copies, without the window."""
    for down, right in product((-(w // 2), w // 2), repeat=2):
        for i, j in product(range(w), range(w)):
            if not (0 <= i + down < w and 0 <= j + right < w):
                yield i + down, j + right


def seen_by(attention, grid, here, num_pooled_columns):
    """(index of a key, its bias) for each key of one token; pooled keys come after the tokens."""
    w, f = attention.window_size, attention.reach
    (top, left), (i, j) = ((n // w * w for n in here), (n % w for n in here))
    offsets = [
        (a, b, attention.window_bias[:, (i - a + w - 1) * (2 * w - 1) + j - b + w - 1])
        for a, b in product(range(w), range(w))
    ]
    if attention.ring_bias is not None:
        biases = attention.ring_bias[:, i * w + j].unbind(1)
        offsets += [(a, b, bias) for (a, b), bias in zip(copies(w), biases, strict=True)]
    for a, b, bias in offsets:
        if 0 <= top + a < grid[0] and 0 <= left + b < grid[1]:
            yield (top + a) * grid[1] + left + b, bias
    rows, columns = -(-grid[0] // w), num_pooled_columns
    for a, b in product(range(f), range(f)):
        row, column = top // w + a - f // 2, left // w + b - f // 2
        if 0 <= row < rows and 0 <= column < columns:
            n = (i - a + f - 1) * (w + f - 1) + j - b + f - 1
            yield grid[0] * grid[1] + row * columns + column, attention.pooled_bias[:, n]


def by_loops(attention, x, grid):
    pooled = pooled_windows(attention, x, grid)
    both = torch.cat([x, torch.stack(list(pooled.values()), dim=1)], dim=1)
    query, key, value = attention.qkv(both).unflatten(-1, (3, HEADS, -1)).unbind(2)
    columns = -(-grid[1] // attention.window_size)
    mixed = torch.zeros_like(x).unflatten(2, (HEADS, -1))
    for n, here in enumerate(product(range(grid[0]), range(grid[1]))):
        keys, biases = zip(*seen_by(attention, grid, here, columns), strict=True)
        scores = (query[:, n, None] * key[:, list(keys)]).sum(-1) * attention.scale
        weights = (scores + torch.stack(biases)).softmax(1)  # (batch, keys, heads)
        mixed[:, n] = (weights[..., None] * value[:, list(keys)]).sum(1)
    return attention.proj(mixed.flatten(2))


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize(
    ("window_size", "reach", "grid"),
    [
        (3, 3, (5, 7)),
        (3, 1, (6, 3)),
        (2, 5, (5, 4)),
        (4, 3, (2, 9)),
        (1, 3, (2, 3)),
        (5, 3, (3, 2)),
    ],
)
def test_equals_plain_loops(window_size, reach, grid, impl):
    attention = layer(window_size, impl, reach=reach)
    x = torch.randn(2, grid[0] * grid[1], DIM, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(attention(x, grid), by_loops(attention, x, grid))


def test_pooled_tokens_far_down_in_the_scores_leave_window_attention():
    focal = layer(3, ring=False, reach=1)
    focal.pooled_bias.data.fill_(-1e9)
    windows = WindowAttention(DIM, HEADS, window_size=3).double()
    windows.load_state_dict({
        **{f"{name}.{kind}": getattr(getattr(focal, name), kind)
           for name in ("qkv", "proj") for kind in ("weight", "bias")},
        "relative_position_bias_table": focal.window_bias.T,
    })  # fmt: skip
    x = torch.randn(1, 5 * 7, DIM, dtype=torch.float64)
    torch.testing.assert_close(focal(x, (5, 7)), windows(x, (5, 7)))


def test_the_published_ring_has_132_places_of_which_12_occur_twice():
    places = ring_places(7)
    assert len(places) == 132
    assert len(set(places)) == 120 == 13**2 - 7**2
    assert ring_places(1) == []


def test_pooling_starts_as_the_mean():
    attention = create_attention("focal", DIM, HEADS, window_size=2)
    image = torch.randn(1, 4, 6, DIM)
    mean = torch.nn.functional.avg_pool2d(image.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    torch.testing.assert_close(attention._pooled(image), mean)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="window_size must be at least 1, got 0"):
        layer(0)
    with pytest.raises(UserError, match="reach must be odd and at least 1, got 2"):
        layer(3, reach=2)
