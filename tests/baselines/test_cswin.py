"""Stripes of half the heads equal dense attention under a mask, on any map."""

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from baselines.cswin_attention import CrossWindowAttention

GRIDS = [(5, 9), (8, 4), (1, 7), (3, 3), (6, 2)]


def layer(dim, heads, impl="reference", **options):
    torch.manual_seed(0)
    built = CrossWindowAttention(dim, heads, impl=impl, **options).double()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return built


def places(grid):
    rows = torch.arange(grid[0]).repeat_interleave(grid[1])
    return rows, torch.arange(grid[1]).repeat(grid[0])


def by_masks(attention, heads, x, grid):
    """Each head over all tokens, without those of other stripes."""
    rows, columns = places(grid)
    s, d = attention.stripe_width, attention.dim // heads
    nothing = torch.zeros_like(rows)
    vertical, horizontal = (
        (nothing, nothing) if attention.whole else (columns // s, rows // s)
    )  # fmt: skip
    near = (rows[:, None] - rows).abs().le(1) & (columns[:, None] - columns).abs().le(1)
    tap = (rows - rows[:, None] + 1) * 3 + columns - columns[:, None] + 1
    mixed = []
    query, key, value = attention.qkv(x).chunk(3, dim=-1)
    for head in range(heads):
        own = slice(head * d, (head + 1) * d)
        stripe = vertical if head < (heads + 1) // 2 else horizontal
        together = stripe[:, None] == stripe
        scores = query[..., own] @ key[..., own].transpose(1, 2) * d**-0.5
        weights = scores.masked_fill(~together, float("-inf")).softmax(-1)
        kernel = attention.local.weight[own, 0].flatten(1)  # (channels, 9)
        taps = torch.where(near & together, kernel[:, tap.clamp(0, 8)], 0)  # (channels, n, n)
        local = torch.einsum("cij,bjc->bic", taps, value[..., own]) + attention.local.bias[own]
        mixed.append(weights @ value[..., own] + local)
    return attention.proj(torch.cat(mixed, dim=-1))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize(
    ("heads", "options"),
    [
        (2, {"stripe_width": 1}),
        (3, {"stripe_width": 2}),
        (4, {"stripe_width": 3}),
        (5, {"stripe_width": 7}),
        (2, {"whole": True}),
    ],
)
def test_equals_attention_under_a_mask(heads, options, impl, grid):
    attention = layer(4 * heads, heads, impl, **options)
    x = torch.randn(2, grid[0] * grid[1], 4 * heads, dtype=torch.float64)
    expected = by_masks(attention, heads, x, grid)
    torch.testing.assert_close(attention(x, grid), expected)


def test_one_head_is_cut_into_two_of_half_the_width():
    one, two = layer(8, 1, stripe_width=2), layer(8, 2, stripe_width=2)
    x = torch.randn(1, 15, 8, dtype=torch.float64)
    torch.testing.assert_close(one(x, (3, 5)), two(x, (3, 5)))
    with pytest.raises(UserError, match="one head is cut into two halves.* even, got 9"):
        layer(9, 1)


def test_a_whole_map_is_one_window_of_all_heads():
    narrow, whole = layer(12, 2, stripe_width=7), layer(12, 2, stripe_width=1, whole=True)
    x = torch.randn(1, 42, 12, dtype=torch.float64)
    torch.testing.assert_close(narrow(x, (6, 7)), whole(x, (6, 7)))


@pytest.mark.parametrize(("grid", "s"), [((8, 12), 2), ((56, 56), 1), ((14, 7), 7)])
def test_without_padding_the_work_is_the_published_one(grid, s):
    attention, n = layer(24, 4, stripe_width=s), grid[0] * grid[1]
    assert attention.macs(grid) - 4 * n * 24**2 == n * 24 * s * sum(grid) + 9 * n * 24


def test_stages_have_their_stripes_and_the_last_one_its_whole_map():
    of_stages = [CrossWindowAttention.options_at(stage, 0) for stage in range(4)]
    assert [options["stripe_width"] for options in of_stages] == [1, 2, 7, 7]
    assert [options["whole"] for options in of_stages] == [False, False, False, True]


def test_a_stripe_of_no_width_is_refused():
    with pytest.raises(UserError, match="stripe_width must be at least 1, got 0"):
        create_attention("cswin", 24, 3, stripe_width=0)
