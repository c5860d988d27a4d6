"""What the tests of kernels share: inputs as a layer hands them over, and bounds of rounding."""

import pytest
import torch


@pytest.fixture
def heads_of():
    """Makes keys and values as views of one projection, and anchors; float64 unless told."""

    def make(batch, heads, tokens, head_dim, anchors, sets=1, dtype=torch.float64):
        both = torch.randn(batch, tokens, 2 * heads * head_dim, dtype=dtype)
        key, value = (
            half.unflatten(-1, (heads, head_dim)).transpose(1, 2) for half in both.chunk(2, -1)
        )
        return key, value, torch.randn(sets, anchors, head_dim, dtype=dtype)

    return make
