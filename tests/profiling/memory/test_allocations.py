"""Peaks of calls whose allocations are known."""

import threading

import pytest
import torch

from attnbench.attention.dense import DenseAttention
from attnbench.profiling.latency.timer import CudaTimer
from attnbench.profiling.memory.allocations import measure_memory

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
KIB = 1024
MIB = 1024 * KIB


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


def test_other_threads_are_beyond_the_cpu_s_profiler():
    """No law but a limit, which the header states: should it fall, the header is to follow."""

    def call():
        thread = threading.Thread(target=buffer, args=(700,))
        thread.start()
        thread.join()

    assert measure_memory(call, CPU).peak_net_bytes == 0


class FakeAllocator:
    """CUDA's caching allocator in short: what is freed stays reserved until it is given back."""

    def __init__(self, monkeypatch):
        self.allocated = self.reserved = self.allocated_peak = self.reserved_peak = 0
        names = {
            "memory_allocated": lambda device: self.allocated,
            "memory_reserved": lambda device: self.reserved,
            "max_memory_allocated": lambda device: self.allocated_peak,
            "max_memory_reserved": lambda device: self.reserved_peak,
            "reset_peak_memory_stats": lambda device: self.reset(),
            "empty_cache": self.empty_cache,
            "synchronize": lambda device: None,
        }
        for name, function in names.items():
            monkeypatch.setattr(torch.cuda, name, function)

    def take(self, size):
        self.allocated += size
        self.reserved = max(self.reserved, self.allocated)
        self.allocated_peak = max(self.allocated_peak, self.allocated)
        self.reserved_peak = max(self.reserved_peak, self.reserved)

    def free(self, size):
        self.allocated -= size

    def empty_cache(self):
        self.reserved = self.allocated

    def reset(self):
        self.allocated_peak, self.reserved_peak = self.allocated, self.reserved


@pytest.fixture
def allocator(monkeypatch):
    return FakeAllocator(monkeypatch)


def call_that_needs(allocator, size):
    def call():
        allocator.take(size)
        allocator.free(size)

    return call


@pytest.mark.parametrize("timer_lives", [True, False])
def test_a_timer_s_flush_buffer_is_in_no_net_figure(allocator, timer_lives):
    call = call_that_needs(allocator, 30 * MIB)
    allocator.take(10 * MIB)  # parameters and input
    allocator.take(100 * MIB)  # the buffer
    call()
    if not timer_lives:
        allocator.free(100 * MIB)
    memory = measure_memory(call, CUDA)
    there_before = (110 if timer_lives else 10) * MIB
    assert (memory.peak_net_bytes, memory.reserved_net_bytes) == (30 * MIB, 30 * MIB)
    assert memory.peak_total_bytes == memory.reserved_total_bytes == there_before + 30 * MIB


def test_the_reserve_of_earlier_calls_hides_nothing_and_adds_nothing(allocator):
    call_that_needs(allocator, 500 * MIB)()
    memory = measure_memory(call_that_needs(allocator, 30 * MIB), CUDA)
    assert (memory.reserved_net_bytes, memory.reserved_total_bytes) == (30 * MIB, 30 * MIB)


def test_the_cpu_has_no_reserve():
    memory = measure_memory(lambda: buffer(1), CPU)
    assert (memory.reserved_net_bytes, memory.reserved_total_bytes) == (None, None)


@pytest.mark.gpu
@pytest.mark.parametrize("timer_lives", [True, False])
def test_cuda_peaks_are_net(timer_lives):
    before = torch.empty(64 * MIB, device="cuda")  # noqa: F841 - its being there is the point
    timer = CudaTimer(CUDA)

    def call():
        return torch.empty(64 * MIB, dtype=torch.int8, device="cuda")

    timer.prepare()
    timer.time_call(call)
    if not timer_lives:
        del timer
    memory = measure_memory(call, CUDA)
    assert memory.peak_net_bytes == memory.reserved_net_bytes == 64 * MIB
    assert memory.peak_total_bytes >= 5 * 64 * MIB
    assert memory.reserved_total_bytes >= memory.peak_total_bytes
