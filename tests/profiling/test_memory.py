"""Peaks of calls whose allocations are known."""

import pytest
import torch

from attnbench.attention.dense import DenseAttention
from attnbench.profiling.memory import measure_memory

CPU = torch.device("cpu")
KIB = 1024


def buffer(kib):
    return torch.empty(kib * KIB, dtype=torch.int8)


def test_the_peak_is_what_lived_at_once():
    def call():
        first, second = buffer(300), buffer(200)  # 500 KiB at once
        del first
        third = buffer(100)  # 300 KiB
        return second, third

    assert measure_memory(call, CPU).peak_net_bytes == 500 * KIB


def test_allocating_and_freeing_cannot_hide_a_short_peak():
    def call():
        for _ in range(3):
            buffer(700)

    assert measure_memory(call, CPU).peak_net_bytes == 700 * KIB


def test_what_was_there_before_is_not_counted():
    before = torch.zeros(900 * KIB)
    assert measure_memory(lambda: before.sum(), CPU).peak_net_bytes < KIB


def test_a_call_without_allocations_has_no_peak():
    assert measure_memory(lambda: None, CPU).peak_net_bytes == 0


def test_the_reference_forms_the_attention_matrix():
    layer, x = DenseAttention(24, 3), torch.randn(1, 400, 24)
    peak = measure_memory(lambda: layer(x, (20, 20)), CPU).peak_net_bytes
    assert peak >= 2 * 3 * 400 * 400 * 4  # scores and weights of three heads in float32


@pytest.mark.gpu
def test_cuda_peak_is_net():
    before = torch.empty(2**20, device="cuda")  # noqa: F841 - its being there is the point

    def call():
        return torch.empty(2**20, dtype=torch.int8, device="cuda")

    memory = measure_memory(call, torch.device("cuda"))
    assert memory.peak_net_bytes == 2**20
    assert memory.peak_total_bytes >= 5 * 2**20
