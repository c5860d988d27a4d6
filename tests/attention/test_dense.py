"""Dense attention equals timm's; the control variant only lacks the query projection."""

import torch
from timm.layers import Attention as TimmAttention

from attnbench.attention.dense import DenseAttention, SharedQKAttention


def test_equals_timm_on_copied_weights():
    theirs = TimmAttention(24, num_heads=3, qkv_bias=True).double()
    ours = DenseAttention(24, 3).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 35, 24, dtype=torch.float64)
    torch.testing.assert_close(ours(x, (5, 7)), theirs(x))


def test_shared_qk_is_dense_whose_query_projection_copies_its_key_projection():
    shared, dense = SharedQKAttention(24, 3).double(), DenseAttention(24, 3).double()
    keys = slice(0, 24)
    dense.qkv.weight.data = torch.cat([shared.kv.weight[keys], shared.kv.weight])
    dense.qkv.bias.data = torch.cat([shared.kv.bias[keys], shared.kv.bias])
    dense.proj.load_state_dict(shared.proj.state_dict())
    x = torch.randn(2, 35, 24, dtype=torch.float64)
    torch.testing.assert_close(shared(x, (5, 7)), dense(x, (5, 7)))


def test_ignores_the_order_of_tokens():
    layer = DenseAttention(24, 3).double()
    x, order = torch.randn(2, 35, 24, dtype=torch.float64), torch.randperm(35)
    torch.testing.assert_close(layer(x[:, order], (5, 7)), layer(x, (5, 7))[:, order])
