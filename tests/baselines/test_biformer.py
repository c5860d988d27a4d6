"""Routing by gathered regions equals dense attention under a mask; its work is that of shapes."""

from math import ceil

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.profiling.counting.macs import count_macs
from baselines.biformer_attention import BiLevelAttention

DIM, HEADS = 12, 3
GRIDS = [(6, 9), (5, 9), (8, 7), (1, 11), (10, 3)]


def layer(impl="reference", **options):
    torch.manual_seed(0)
    built = BiLevelAttention(DIM, HEADS, impl=impl, **options).double()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return built


def region_of_tokens(regions, grid):
    rows, columns = (torch.arange(side) // ceil(side / regions) for side in grid)
    return (rows[:, None] * (int(columns.max()) + 1) + columns).flatten()


def by_a_mask(attention, x, grid):
    """Every token to every token, without those of regions that its own has not chosen."""
    region = region_of_tokens(attention.regions, grid)
    count = int(region.max()) + 1
    query, key, value = attention.qkv(x).chunk(3, dim=-1)
    means = [
        torch.stack([part[:, region == r].mean(1) for r in range(count)], dim=1)
        for part in (query, key)
    ]
    rank = (means[0] @ means[1].transpose(1, 2)).argsort(-1, descending=True).argsort(-1)
    chosen = rank < (attention.topk or count)
    allowed = chosen[:, region][:, :, region]  # (batch, tokens, tokens)
    mixed = []
    for own in torch.arange(DIM).chunk(HEADS):
        scores = query[..., own] @ key[..., own].transpose(1, 2) * DIM**-0.5
        weights = scores.masked_fill(~allowed, float("-inf")).softmax(-1)
        mixed.append(weights @ value[..., own])
    image = value.transpose(1, 2).unflatten(2, grid)
    local = attention.local(image).flatten(2).transpose(1, 2)
    return attention.proj(torch.cat(mixed, dim=-1) + local)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize(
    ("regions", "topk"), [(3, 1), (3, 4), (2, 3), (4, 9), (7, 16), (3, 9), (3, None), (1, 1)]
)
def test_equals_dense_attention_under_a_mask(regions, topk, impl, grid):
    attention = layer(impl, regions=regions, topk=topk)
    x = torch.randn(3, grid[0] * grid[1], DIM, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(attention(x, grid), by_a_mask(attention, x, grid))


def test_each_image_chooses_for_itself():
    attention, grid = layer(regions=3, topk=2), (6, 9)
    x = torch.randn(2, 54, DIM, dtype=torch.float64)
    tiles = attention.qkv(x).reshape(2, 9, 6, 3 * DIM)
    routes = attention.routes(tiles, grid)
    assert routes.shape == (2, 9, 2)
    assert not torch.equal(routes[0], routes[1])


@pytest.mark.parametrize("grid", [(6, 9), (5, 8)])
def test_routing_has_no_gradient_and_so_no_backward_pass(grid):
    with torch.device("meta"):
        attention = BiLevelAttention(DIM, HEADS, regions=3, topk=2).eval()
        x = torch.empty(2, grid[0] * grid[1], DIM)
    macs = count_macs(attention, (x,), (grid,), closed_form=attention.macs(grid, 2))
    routing = 2 * attention.num_regions(grid) ** 2 * DIM
    assert macs.training_macs == 3 * macs.products_macs - 2 * routing


def test_the_work_is_the_same_for_every_image():
    attention, grid, notes = layer(regions=3, topk=2).eval(), (5, 8), []
    inputs = [(torch.randn(1, 40, DIM, dtype=torch.float64),) for _ in range(3)]
    stated = attention.macs(grid)
    macs = count_macs(attention, inputs[0], (grid,), stated, notes.append, inputs[1:])
    assert (macs.products_macs, macs.average_macs, notes) == (stated, None, [])


def test_where_all_regions_are_chosen_nothing_is_routed():
    grid, n = (4, 6), 24
    dense = 4 * n * DIM**2 + 2 * n**2 * DIM + 25 * n * DIM
    assert layer(regions=3, topk=None).macs(grid) == layer(regions=2, topk=4).macs(grid) == dense
    assert layer(regions=3, topk=5).macs(grid) != dense


def test_a_map_of_fewer_tokens_than_regions_has_a_region_for_each_token():
    attention = layer(regions=7, topk=16)
    assert [attention.num_regions(grid) for grid in [(14, 14), (4, 4), (8, 8), (9, 30)]] == [
        49, 16, 16, 30
    ]  # fmt: skip


def test_stages_choose_more_and_more_regions():
    assert [BiLevelAttention.options_at(stage, 0)["topk"] for stage in range(4)] == [1, 4, 16, None]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"topk": 50}, "topk must be at most the number of regions, 7 × 7 = 49; got 50"),
        ({"topk": 5, "regions": 2}, "topk must be at most the number of regions, 2 × 2 = 4; got 5"),
        ({"topk": 0}, "topk must be at least 1, got 0"),
        ({"regions": 0}, "regions must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        create_attention("biformer", 24, 3, **options)
