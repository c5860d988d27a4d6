"""Copies by depthwise convolutions equal unfolded neighbourhoods; models have published sizes."""

import pytest
import torch
import torch.nn.functional as F

from attnbench.errors import UserError
from attnbench.models.factory import create_model
from baselines.slide_attention import SlideAttention

DIM, HEADS, WIDTH = 12, 3, 4
GRIDS = [(5, 9), (4, 4), (1, 7), (1, 1)]


def layer(**options):
    torch.manual_seed(0)
    built = SlideAttention(DIM, HEADS, **options).double()
    for parameter in built.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.5)
    return built


def by_unfolding(attention, x, grid, kernels, biases):
    """Copy o of channel c: its 9 neighbours times `kernels[c, o]`, plus `biases[c, o]`."""
    image = attention.qkv(x).transpose(1, 2).unflatten(2, grid)
    query, key, value = image.flatten(2).unflatten(1, (3, HEADS, WIDTH)).unbind(1)
    unfolded = F.unfold(image[:, DIM:], 3, padding=1).unflatten(1, (2, HEADS, WIDTH, 9))
    copies = torch.einsum("bphcin,coi->bphcon", unfolded, kernels) + biases[:, :, None]
    key, value = copies.unbind(1)
    key = key + attention.offset_bias[:, None, :, None]
    weights = (torch.einsum("bhcn,bhcon->bhon", query, key) * WIDTH**-0.5).softmax(2)
    mixed = torch.einsum("bhon,bhcon->bhcn", weights, value)
    return attention.proj(mixed.flatten(1, 2).transpose(1, 2))


def of_channels(convolution):
    """Its kernels (channels, 9, 9) and biases (channels, 9)."""
    return convolution.weight.reshape(-1, 9, 9), convolution.bias.reshape(-1, 9)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("merged", [True, False])
def test_equals_unfolded_neighbourhoods(merged, grid):
    attention = layer(merged=merged)
    kernels, biases = of_channels(attention.copies)
    if not merged:
        torch.testing.assert_close(kernels, torch.eye(9).double().expand(WIDTH, 9, 9))
        kernels, biases = (
            a + b for a, b in zip((kernels, biases), of_channels(attention.deformed), strict=True)
        )
    x = torch.randn(2, grid[0] * grid[1], DIM, dtype=torch.float64)
    with torch.no_grad():
        expected = by_unfolding(attention, x, grid, kernels, biases)
        torch.testing.assert_close(attention(x, grid), expected)


def test_two_kernels_and_their_sum_compute_the_same():
    two, one = layer(merged=False), layer(merged=True)
    state = two.state_dict()
    for kind in ("weight", "bias"):
        state[f"copies.{kind}"] = state[f"copies.{kind}"] + state.pop(f"deformed.{kind}")
    one.load_state_dict(state)
    x = torch.randn(2, 35, DIM, dtype=torch.float64)
    torch.testing.assert_close(one(x, (5, 7)), two(x, (5, 7)))


def test_of_two_kernels_the_shift_stays_as_it_is():
    attention = layer(merged=False)
    attention(torch.randn(1, 12, DIM, dtype=torch.float64), (3, 4)).square().sum().backward()
    without = [name for name, p in attention.named_parameters() if p.grad is None]
    assert without == ["copies.weight"]
    assert attention.macs((3, 4)) - layer().macs((3, 4)) == 162 * 12 * DIM


@pytest.mark.parametrize(
    ("name", "params"), [("slideformer-t", 12_225_694), ("slideformer-s", 22_729_483)]
)
def test_with_two_kernels_a_model_is_larger(name, params):
    with torch.device("meta"):
        model = create_model(name, merged=False)
    assert sum(p.numel() for p in model.parameters()) == params


def test_a_slide_pvt_learns_and_takes_multiples_of_32_px():
    model = create_model("slideformer-t", 5, 64)
    logits = model(torch.randn(2, 3, 32, 96))
    logits.square().sum().backward()
    assert logits.shape == (2, 5)
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert [tuple(one.shape[2:]) for one in model.features(torch.randn(1, 3, 32, 96))] == [
        (8, 24), (4, 12), (2, 6), (1, 3)
    ]  # fmt: skip
    with pytest.raises(UserError, match="multiples of 32 px, got 48 × 64"):
        create_model("slideformer-t", 5, (48, 64))


@pytest.mark.parametrize(("img_size", "sides"), [(224, [14, 7]), ((512, 2048), [56, 56])])
def test_windows_of_a_slide_swin_are_its_maps_up_to_56_tokens(img_size, sides):
    with torch.device("meta"):
        model = create_model("slideformer-b", img_size=img_size)
    windows = [model.layers[stage].blocks[0].attn.window_size for stage in (2, 3)]
    assert windows == sides
