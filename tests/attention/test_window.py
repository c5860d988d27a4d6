"""Window attention equals timm's Swin, and a plain loop where maps are padded."""

import pytest
import torch
from timm.models.swin_transformer import SwinTransformerBlock

from attnbench.attention.window import WindowAttention, padded, partition, unpartition

DIM, HEADS = 12, 2


def layer(window_size, shift, impl="reference"):
    torch.manual_seed(0)
    built = WindowAttention(DIM, HEADS, window_size=window_size, shift=shift, impl=impl).double()
    torch.nn.init.normal_(built.relative_position_bias_table, std=1.0)
    return built


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("grid", [(8, 8), (12, 4), (4, 4), (3, 3)])
def test_equals_timm_on_copied_weights(grid, shift):
    window = min(4, *grid)  # timm shrinks the window on small maps, and its bias table with it
    ours = layer(window, shift)
    block = SwinTransformerBlock(
        DIM, input_resolution=grid, num_heads=HEADS, window_size=window,
        shift_size=window // 2 if shift else 0,
    ).double()  # fmt: skip
    block.attn.load_state_dict({**block.attn.state_dict(), **ours.state_dict()})
    x = torch.randn(2, grid[0] * grid[1], DIM, dtype=torch.float64)
    theirs = block._attn(x.unflatten(1, grid)).flatten(1, 2)
    torch.testing.assert_close(ours(x, grid), theirs)


def by_loops(attention, x, grid):
    """Every query by itself: which keys may it see, at which offset, with which bias."""
    w, (rows, columns) = attention.window_size, attention.shifts(grid)
    window = attention.window(grid)
    query, key, value = attention.qkv(x).unflatten(-1, (3, HEADS, DIM // HEADS)).unbind(2)
    mixed = torch.zeros_like(query)

    def cell(i, j):
        """Window of a token after the roll, and whether the roll wrapped it round."""
        i, j = i - rows, j - columns
        height, width = padded(grid, window)
        wrapped = (i < 0, j < 0)
        return (i % height // window[0], j % width // window[1]), wrapped

    places = [(i, j) for i in range(grid[0]) for j in range(grid[1])]
    for n, here in enumerate(places):
        seen = [k for k, there in enumerate(places) if cell(*there) == cell(*here)]
        offsets = [
            (here[0] - places[k][0] + w - 1) * (2 * w - 1) + here[1] - places[k][1] + w - 1
            for k in seen
        ]
        bias = attention.relative_position_bias_table[offsets]  # (seen, heads)
        scores = (query[:, n, None] * key[:, seen]).sum(-1) * attention.scale + bias
        mixed[:, n] = (scores.softmax(1)[..., None] * value[:, seen]).sum(1)
    return attention.proj(mixed.flatten(2))


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("grid", [(5, 7), (9, 6), (7, 3), (2, 11), (8, 8)])
def test_equals_a_plain_loop_on_maps_that_are_no_multiple_of_the_window(grid, shift, impl):
    attention = layer(4, shift, impl)
    x = torch.randn(2, grid[0] * grid[1], DIM, dtype=torch.float64)
    torch.testing.assert_close(attention(x, grid), by_loops(attention, x, grid))


def test_a_window_as_large_as_the_map_is_attention_over_all_with_bias():
    grid = (3, 5)
    large, exact = layer(7, shift=True), layer(7, shift=False)
    x = torch.randn(2, 15, DIM, dtype=torch.float64)
    torch.testing.assert_close(large(x, grid), exact(x, grid))


def test_partition_is_undone():
    image = torch.randn(2, 6, 8, 3)
    assert partition(image, (3, 4)).shape == (2 * 4, 12, 3)
    assert unpartition(partition(image, (3, 4)), (3, 4), (6, 8)).equal(image)


def test_can_train_after_a_first_call_in_inference_mode():
    attention = layer(4, shift=True)
    x = torch.randn(1, 5 * 6, DIM, dtype=torch.float64)
    with torch.inference_mode():
        attention(x, (5, 6))
    attention(x, (5, 6)).sum().backward()
    assert attention.relative_position_bias_table.grad.abs().sum() > 0


def test_shifts_every_second_block():
    assert [WindowAttention.options_at(0, block)["shift"] for block in range(3)] == [
        False, True, False,
    ]  # fmt: skip
