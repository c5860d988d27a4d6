"""Basic anchors: chosen queries, and eq. 5 as a soft k-means step."""

import pytest
import torch

from attnbench.attention.anchor import bipartite_attention, markov_step
from attnbench.attention.anchor_select import AnchorSelectAttention, selected_tokens
from attnbench.attention.base import merge_heads, split_heads

CPU = torch.device("cpu")


@pytest.mark.parametrize("selection", ["even", "random"])
@pytest.mark.parametrize(("tokens", "anchors"), [(35, 5), (196, 30), (31, 30), (4, 30), (1, 1)])
def test_chooses_distinct_tokens_in_order(tokens, anchors, selection):
    chosen = selected_tokens(tokens, anchors, selection, 0, CPU)
    assert len(chosen) == min(anchors, tokens)
    assert chosen.diff().gt(0).all()
    assert chosen.min() >= 0
    assert chosen.max() < tokens


def test_even_choice_leaves_no_gap_more_than_one_step_larger_than_another():
    gaps = selected_tokens(4096, 30, "even", 0, CPU).diff()
    assert gaps.max() - gaps.min() <= 1


def test_random_choice_follows_its_seed():
    first, again, other = (selected_tokens(196, 30, "random", seed, CPU) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)


@pytest.mark.parametrize("refine", [0, 1, 3])
def test_equals_the_formulas_written_out(refine):
    layer = AnchorSelectAttention(12, 2, num_anchors=5, refine=refine).double()
    x = torch.randn(2, 35, 12, dtype=torch.float64)
    key, value = (split_heads(part, 2) for part in layer.kv(x).chunk(2, dim=-1))
    anchors = split_heads(layer.q(x), 2)[:, :, selected_tokens(35, 5, "even", 0, CPU)]
    for _ in range(refine):  # eq. 5: u_j = Σ_i A_ij k_i / Σ_i A_ij
        A = bipartite_attention(key, anchors, layer.scale)
        anchors = torch.einsum("bhij,bhid->bhjd", A, key) / A.sum(-2)[..., None]
    A = bipartite_attention(key, anchors, layer.scale)
    expected = layer.proj(merge_heads(markov_step(A, value)))
    torch.testing.assert_close(layer(x, (5, 7)), expected)


def test_refining_moves_anchors_towards_the_means_of_two_clusters():
    centres = torch.tensor([[5.0, 0.0], [-5.0, 0.0]], dtype=torch.float64)
    key = centres.repeat_interleave(20, 0)[None, None] + 0.1 * torch.randn(1, 1, 40, 2)
    anchors = torch.tensor([[[[1.0, 0.5], [-1.0, 0.5]]]], dtype=torch.float64)
    for _ in range(5):
        A = bipartite_attention(key, anchors, 1.0)
        anchors = torch.einsum("bhij,bhid->bhjd", A, key) / A.sum(-2)[..., None]
    torch.testing.assert_close(anchors[0, 0], centres, atol=0.2, rtol=0)
