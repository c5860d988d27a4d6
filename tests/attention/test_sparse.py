"""Spatial-reduction attention: equal to timm's PVT v2 (without its linear variant) and to dense."""

import pytest
import torch
import torch.nn.functional as F
from timm.models.pvt_v2 import Attention as TimmAttention

from attnbench.attention.dense import DenseAttention
from attnbench.attention.sparse import SpatialReductionAttention

DIM, HEADS = 12, 2


@pytest.mark.parametrize("sr_ratio", [1, 2, 4])
def test_equals_timm_on_copied_weights(sr_ratio):
    theirs = TimmAttention(DIM, num_heads=HEADS, sr_ratio=sr_ratio, linear_attn=False).double()
    ours = SpatialReductionAttention(DIM, HEADS, sr_ratio=sr_ratio).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 8 * 12, DIM, dtype=torch.float64)
    torch.testing.assert_close(ours(x, (8, 12)), theirs(x, (8, 12)))


def test_without_reduction_it_is_dense():
    sparse = SpatialReductionAttention(DIM, HEADS, sr_ratio=1).double()
    dense = DenseAttention(DIM, HEADS).double()
    dense.qkv.weight.data = torch.cat([sparse.q.weight, sparse.kv.weight])
    dense.qkv.bias.data = torch.cat([sparse.q.bias, sparse.kv.bias])
    dense.proj.load_state_dict(sparse.proj.state_dict())
    x = torch.randn(2, 35, DIM, dtype=torch.float64)
    torch.testing.assert_close(sparse(x, (5, 7)), dense(x, (5, 7)))


def test_a_map_that_is_no_multiple_is_the_padded_map():
    layer = SpatialReductionAttention(DIM, HEADS, sr_ratio=4).double()
    x = torch.randn(2, 5 * 7, DIM, dtype=torch.float64)
    image = x.transpose(1, 2).reshape(2, DIM, 5, 7)
    enlarged = F.pad(image, (0, 1, 0, 3)).flatten(2).transpose(1, 2)  # to 8 × 8
    torch.testing.assert_close(layer._reduce(x, (5, 7)), layer._reduce(enlarged, (8, 8)))


def test_every_token_is_seen_also_in_the_remainder():
    layer = SpatialReductionAttention(DIM, HEADS, sr_ratio=4)
    x = torch.randn(1, 5 * 7, DIM)
    changed = x.clone()
    changed[:, -1] += 1  # the last row and column belong to no whole 4 × 4 patch
    assert not torch.allclose(layer(x, (5, 7))[:, 0], layer(changed, (5, 7))[:, 0])


def test_reduces_by_stage_as_pvt_does():
    ratios = [SpatialReductionAttention.options_at(stage, 0)["sr_ratio"] for stage in range(4)]
    assert ratios == [8, 4, 2, 1]
