"""The share of numbers too small for a normal float."""

import pytest
import torch

from attnbench.profiling.denormals import LOOKED_AT, denormal_share


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_denormal_results_are_counted(dtype):
    small = torch.finfo(dtype).smallest_normal / 4
    x = torch.full((4, 5), small, dtype=dtype)
    assert denormal_share(lambda: x * 1) == 1
    assert denormal_share(lambda: (x * 1, x * 0)) == 0.5  # zero is none
    assert denormal_share(lambda: x.to(torch.float64) if dtype != torch.float64 else x + 1) == 0


def test_views_count_nothing_and_no_result_is_no_share():
    x = torch.full((4, 5), 1e-40)
    assert denormal_share(lambda: x.view(20)) == 0
    assert denormal_share(lambda: None) == 0


def test_half_precision_does_not_count():
    x = torch.full((4, 5), 1e-6, dtype=torch.float16)
    assert denormal_share(lambda: x * 1) == 0


def test_large_results_are_looked_at_in_part():
    x = torch.ones(40 * LOOKED_AT)
    x[: x.numel() // 2] = 1e-40
    assert denormal_share(lambda: x * 1) == pytest.approx(0.5, abs=0.01)


def test_gradients_count_too():
    x = torch.ones(50, requires_grad=True)
    assert denormal_share(lambda: torch.autograd.grad((2 * x).sum(), x, torch.tensor(1e-40))) > 0
