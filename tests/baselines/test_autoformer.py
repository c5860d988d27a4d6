"""AutoFormer's attention equals plain loops over pairs; its models have the published sizes."""

from math import sqrt

import pytest
import torch
from model_counts import size_by_torch

from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.profiling.counting.macs import count_forward_macs
from baselines.autoformer_attention import LONGEST

DIM, HEADS, WIDTH = 12, 2, 5


def layer(impl="reference", **options):
    torch.manual_seed(0)
    made = create_attention("autoformer", DIM, HEADS, head_dim=WIDTH, impl=impl, **options)
    for table in (made.between_keys, made.between_values):
        torch.nn.init.normal_(table.rows)
        torch.nn.init.normal_(table.columns)
    return made.double()


def vector(table, one, other):
    """Between two places (row, column), or None for a prefix token."""
    if one is None or other is None:
        return table.rows[0] + table.columns[0]
    away = [
        max(-LONGEST, min(LONGEST, b - a)) + LONGEST + 1 for a, b in zip(one, other, strict=True)
    ]
    return table.rows[away[0]] + table.columns[away[1]]


def by_loops(attention, x, grid):
    query, key, value = attention.qkv(x).unflatten(-1, (3, HEADS, WIDTH)).unbind(2)
    places = [None] * attention.num_prefix_tokens
    places += [divmod(n, grid[1]) for n in range(grid[0] * grid[1])]
    mixed = torch.zeros_like(value)
    for i, one in enumerate(places):
        keys = torch.stack([vector(attention.between_keys, one, other) for other in places])
        values = torch.stack([vector(attention.between_values, one, other) for other in places])
        for head in range(HEADS):
            scores = (query[:, i, None, head] * (key[:, :, head] + keys)).sum(-1) / sqrt(WIDTH)
            weights = scores.softmax(1)[..., None]
            mixed[:, i, head] = (weights * (value[:, :, head] + values)).sum(1)
    return attention.proj(mixed.flatten(2))


@pytest.mark.parametrize("impl", ["reference", "decomposed"])
@pytest.mark.parametrize(
    ("grid", "prefix"), [((3, 5), 0), ((1, 1), 0), ((4, 2), 1), ((2, 3), 2), ((1, LONGEST + 4), 1)]
)
def test_equals_loops_over_pairs(impl, grid, prefix):
    attention = layer(impl, num_prefix_tokens=prefix)
    x = torch.randn(2, prefix + grid[0] * grid[1], DIM, dtype=torch.float64)
    torch.testing.assert_close(attention(x, grid), by_loops(attention, x, grid))


@pytest.mark.parametrize("prefix", [0, 1, 2])
@pytest.mark.parametrize("grid", [(5, 9), (1, 7), (1, 1)])
def test_both_forms_have_the_same_gradients_and_their_own_counts(grid, prefix):
    reference, decomposed = (
        layer(impl, num_prefix_tokens=prefix) for impl in ("reference", "decomposed")
    )
    x = torch.randn(2, prefix + grid[0] * grid[1], DIM, dtype=torch.float64)
    for one in (reference, decomposed):
        one(x, grid).square().sum().backward()
        macs = count_forward_macs(one, (x,), (grid,), one.macs(grid, 2))
        assert macs.products_macs == one.macs(grid, 2)
    for (name, one), other in zip(
        reference.named_parameters(), decomposed.parameters(), strict=True
    ):
        torch.testing.assert_close(one.grad, other.grad, msg=lambda text, name=name: name + text)


def test_a_width_of_heads_below_1_is_refused():
    with pytest.raises(UserError, match="head_dim must be at least 1, got 0"):
        create_attention("autoformer", DIM, HEADS, head_dim=0)


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # Parameters and products of the authors' code at 224 px.
    [
        ("autoformer-t", 5_867_944, 1.4819),
        pytest.param("autoformer-s", 22_891_432, 5.1614, marks=pytest.mark.slow),
        pytest.param("autoformer-b", 53_691_688, 11.6912, marks=pytest.mark.slow),
    ],
)
def test_a_classifier_has_the_published_size(name, params, giga_macs):
    assert size_by_torch(create_model, name) == (params, pytest.approx(giga_macs, abs=6e-5))


def test_the_mean_of_the_patches_is_classified_and_every_parameter_learns():
    model = create_model("autoformer-t", 5, (48, 32))
    images = torch.randn(2, 3, 64, 48)
    logits = model(images)
    tokens = model.forward_features(images)
    torch.testing.assert_close(logits, model.head(tokens[:, 1:].mean(1)))
    logits.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    (one,) = model.features(images)
    assert one.shape == (2, 192, 4, 3)
