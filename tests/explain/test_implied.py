"""The attention that a page shows of every token, against S formed in full."""

import pytest
import torch

from attnbench.explain import implied as module
from attnbench.explain.anchor_maps import anchor_maps
from attnbench.explain.anchor_use import assignments
from attnbench.explain.implied import implied_attention
from attnbench.models.vit import VisionTransformer

IMAGE = torch.randn(1, 3, 20, 28, generator=torch.Generator().manual_seed(0))
GRID = (5, 7)


def vit(**tokens):
    torch.manual_seed(0)
    sizes = {"dim": 24, "depth": 2, "num_heads": 3, "patch_size": 4}
    anchors = {"attention": "anchor", "attention_options": {"num_anchors": 5}}
    return VisionTransformer(5, (20, 28), **sizes, **anchors, **tokens).eval()


@pytest.mark.parametrize("tokens", [{}, {"class_token": True}])
def test_a_row_is_what_the_sheet_draws_of_the_token(tokens):
    model = vit(**tokens)
    for one, drawn in zip(
        implied_attention(model, IMAGE), anchor_maps(model, IMAGE, (2, 5)), strict=True
    ):
        assert (one.layer, one.cells, one.block) == (drawn.layer, GRID, 1)
        row = one.attention[2 * GRID[1] + 5].reshape(GRID)
        torch.testing.assert_close(row, drawn.implied)


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_squares_pay_the_mean_and_receive_the_sum(monkeypatch, most):
    monkeypatch.setattr(module, "MOST_SIDE", most)
    model = vit()
    one = implied_attention(model, IMAGE)[0]
    matrix = assignments(model, IMAGE)["blocks.0.attn"].matrix[0]
    full = (matrix / matrix.sum(1, keepdim=True) @ matrix.transpose(1, 2)).mean(0)
    at = torch.cartesian_prod(*(torch.arange(side) // one.block for side in GRID))
    member = torch.nn.functional.one_hot(at[:, 0] * one.cells[1] + at[:, 1]).double()
    assert max(one.cells) <= most
    torch.testing.assert_close(one.attention, (member / member.sum(0)).T @ full @ member)
    torch.testing.assert_close(one.attention.sum(1), torch.ones(len(one.attention)).double())
