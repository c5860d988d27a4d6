"""Deformable attention equals plain loops over places that the queries moved."""

from itertools import product
from math import floor

import pytest
import torch
import torch.nn.functional as F

from attnbench.attention.deformable import DeformableAttention
from attnbench.errors import UserError

DIM = 12


def layer(num_heads=2, impl="reference", table_side=3, **options):
    torch.manual_seed(0)
    built = DeformableAttention(
        DIM, num_heads, kernel_size=3, table_side=table_side, impl=impl, **options
    ).double()
    torch.nn.init.normal_(built.bias_table)
    return built


def bilinear(image, row, column):
    """(channels, height, width) at a place where -1 and 1 are the outer elements, 0 outside."""
    row, column = (
        (place + 1) / 2 * (side - 1)
        for place, side in zip((row, column), image.shape[1:], strict=True)
    )
    total = image.new_zeros(image.shape[0])
    for i, j in product((floor(row), floor(row) + 1), (floor(column), floor(column) + 1)):
        if 0 <= i < image.shape[1] and 0 <= j < image.shape[2]:
            total = total + image[:, i, j] * (1 - abs(row - i)) * (1 - abs(column - j))
    return total


def by_loops(attention, x, grid):
    height, width = grid
    groups, heads = attention.num_groups, attention.num_heads
    query = attention.q(x)
    still = [
        (2 * (i + 0.5) / height - 1, 2 * (j + 0.5) / width - 1)
        for i, j in product(range(height), range(width))
    ]
    table = attention.bias_table
    if table.shape[1:] != (2 * height - 1, 2 * width - 1):
        size = (2 * height - 1, 2 * width - 1)
        table = F.interpolate(table[None], size=size, mode="bicubic")[0]
    samples, biases = torch.zeros_like(x), x.new_zeros(len(x), heads, len(still), len(still))
    for n, group in product(range(len(x)), range(groups)):
        channels = slice(group * DIM // groups, (group + 1) * DIM // groups)
        own = slice(group * heads // groups, (group + 1) * heads // groups)
        image = query[n, :, channels].T.unflatten(1, grid)
        raw = attention.offsets(image[None])[0].tanh()
        for k, (row, column) in enumerate(still):
            row, column = row + 2 * float(raw[k, 0]) / height, column + 2 * float(raw[k, 1]) / width
            samples[n, k, channels] = bilinear(x[n, :, channels].T.unflatten(1, grid), row, column)
            for m, (i, j) in enumerate(still):
                biases[n, own, m, k] = bilinear(table[own], (i - row) / 2, (j - column) / 2)
    key, value = attention.kv(samples).unflatten(2, (2, heads, -1)).transpose(1, 3).unbind(2)
    query = query.unflatten(2, (heads, -1)).transpose(1, 2)
    weights = (query @ key.transpose(2, 3) * (DIM // heads) ** -0.5 + biases).softmax(-1)
    return attention.proj((weights @ value).transpose(1, 2).flatten(2))


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize(("grid", "num_heads"), [((3, 3), 2), ((2, 4), 6), ((1, 3), 1)])
def test_equals_plain_loops(grid, num_heads, impl):
    attention = layer(num_heads, impl)
    x = torch.randn(2, grid[0] * grid[1], DIM, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(attention(x, grid), by_loops(attention, x, grid))


@pytest.mark.parametrize(
    ("heads", "groups"), [(1, 1), (2, 1), (3, 1), (4, 1), (6, 2), (12, 3), (24, 6), (5, 5)]
)
def test_up_to_four_heads_share_their_places(heads, groups):
    assert DeformableAttention(240, heads, kernel_size=1).num_groups == groups


def test_the_places_learn_from_the_output():
    attention = layer()
    attention(torch.randn(1, 9, DIM, dtype=torch.float64), (3, 3)).square().sum().backward()
    assert attention.offsets.to_offset.weight.grad.abs().sum() > 0


def test_a_place_moves_by_one_token_at_most():
    attention = layer()
    attention.offsets.to_offset.weight.data.fill_(1e6)
    places = attention._places(torch.randn(1, 20, DIM, dtype=torch.float64), (4, 5))
    torch.nn.init.zeros_(attention.offsets.to_offset.weight)
    still = attention._places(torch.randn(1, 20, DIM, dtype=torch.float64), (4, 5))
    tokens = (places - still).detach().abs() * torch.tensor([4, 5]) / 2
    assert float(tokens.max()) == pytest.approx(1)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="kernel_size must be odd and at least 1, got 4"):
        DeformableAttention(DIM, 2, kernel_size=4)
    with pytest.raises(UserError, match="table_side must be at least 1, got 0"):
        DeformableAttention(DIM, 2, table_side=0)
