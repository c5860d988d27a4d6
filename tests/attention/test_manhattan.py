"""Manhattan attention equals plain loops over tokens, and its own limits."""

import math

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.attention.manhattan import rotated
from attnbench.errors import UserError

DIM, HEADS = 12, 2


def layer(name, impl="reference", **options):
    torch.manual_seed(0)
    return create_attention(name, DIM, HEADS, impl=impl, **options).double()


def turned(channels, place):
    """Rotate pairs of channels as complex numbers."""
    pairs = torch.view_as_complex(channels.unflatten(-1, (-1, 2)).contiguous())
    steps = [t / (pairs.shape[-1] - 1) for t in range(pairs.shape[-1])]
    factors = torch.tensor(
        [complex(math.cos(place * f), math.sin(place * f)) for f in (1e4**-t for t in steps)],
        dtype=torch.complex128,
    )
    return torch.view_as_real(pairs * factors).flatten(-2)


def mixed_by_loops(query, key, value, seen, distance, decay_range):
    """Softmax over the keys seen by each token; the scores fall with the distance."""
    mixed = torch.zeros_like(value)
    for n in range(query.shape[1]):
        keys = seen(n)
        for head in range(HEADS):
            decay = math.log(1 - 2 ** (-2 - decay_range * head / HEADS))
            scores = (query[:, n, None, head] * key[:, keys, head]).sum(-1)
            penalty = torch.tensor([distance(n, k) * decay for k in keys], dtype=torch.float64)
            weights = (scores / math.sqrt(DIM // HEADS) + penalty).softmax(1)
            mixed[:, n, head] = (weights[..., None] * value[:, keys, head]).sum(1)
    return mixed


def by_loops(attention, x, grid, decomposed):
    query, key, value = attention.qkv(x).unflatten(-1, (3, HEADS, -1)).unbind(2)
    query, key = (
        torch.stack([turned(t[:, n], n) for n in range(x.shape[1])], dim=1) for t in (query, key)
    )
    places = [divmod(n, grid[1]) for n in range(x.shape[1])]

    def distance(a, b):
        return abs(places[a][0] - places[b][0]) + abs(places[a][1] - places[b][1])

    def same(axis):
        return lambda n: [k for k, place in enumerate(places) if place[axis] == places[n][axis]]

    mixed = value
    for seen in [same(0), same(1)] if decomposed else [lambda n: list(range(len(places)))]:
        mixed = mixed_by_loops(query, key, mixed, seen, distance, attention.decay_range)
    image = value.flatten(2).transpose(1, 2).unflatten(2, grid)
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2))
    local = torch.stack(
        [(padded[:, :, r : r + 5, c : c + 5] * attention.local.weight[:, 0]).sum((2, 3))
         for r, c in places],
        dim=1,
    )  # fmt: skip
    return attention.proj(mixed.flatten(2) + local + attention.local.bias)


@pytest.mark.parametrize("impl", ["reference", "sdpa"])
@pytest.mark.parametrize("name", ["manhattan", "manhattan-axial"])
@pytest.mark.parametrize("grid", [(3, 5), (1, 4), (4, 1)])
def test_equals_plain_loops(name, grid, impl):
    attention = layer(name, impl, decay_range=3.0)
    x = torch.randn(2, grid[0] * grid[1], DIM, dtype=torch.float64)
    expected = by_loops(attention, x, grid, decomposed=name.endswith("axial"))
    torch.testing.assert_close(attention(x, grid), expected)


def test_on_one_row_both_forms_are_one():
    full, decomposed = (layer(name) for name in ("manhattan", "manhattan-axial"))
    x = torch.randn(1, 7, DIM, dtype=torch.float64)
    torch.testing.assert_close(full(x, (1, 7)), decomposed(x, (1, 7)))


def test_scores_of_rotated_vectors_depend_on_the_difference_of_places():
    vector = torch.randn(1, 1, 1, 8, dtype=torch.float64)
    same = rotated(vector.expand(1, 1, 9, 8))[0, 0]
    scores = same @ same.T
    torch.testing.assert_close(scores[1:, 1:], scores[:-1, :-1])
    torch.testing.assert_close(same.norm(dim=-1), vector.norm().expand(9))


def test_heads_of_odd_width_and_negative_ranges_are_refused():
    with pytest.raises(UserError, match="even width.*12 channels in 4 heads give 3"):
        create_attention("manhattan", 12, 4)
    with pytest.raises(UserError, match="decay_range must be at least 0, got -1"):
        create_attention("manhattan", 12, 2, decay_range=-1.0)
