"""The fused kernel that ran is detected for every way of calling it."""

import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from attnbench.profiling.fused_kernel import fused_backend


@pytest.fixture
def query():
    return torch.randn(2, 3, 17, 8)


@pytest.mark.parametrize("context", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_kernel_is_named_with_and_without_gradients(query, context):
    attend = lambda: F.scaled_dot_product_attention(query, query, query)  # noqa: E731
    with context():
        assert fused_backend(attend) == "flash (cpu)"
        with sdpa_kernel(SDPBackend.MATH):
            assert fused_backend(attend) == "math"


def test_a_backward_pass_belongs_to_the_same_kernel(query):
    query.requires_grad_()
    attend = lambda: F.scaled_dot_product_attention(query, query, query).sum().backward()  # noqa: E731
    assert fused_backend(attend) == "flash (cpu)"
    assert query.grad is not None


def test_a_call_without_fused_attention_has_none(query):
    assert fused_backend(lambda: (query @ query.mT).softmax(-1) @ query) == ""
