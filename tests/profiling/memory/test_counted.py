"""Memory counted from shapes is what torch's allocator is asked for."""

import pytest
import torch
from our_mechanisms import NAMES

from attnbench.attention.factory import attention_class
from attnbench.benchmark.largest import counted_memory, largest_map
from attnbench.benchmark.subject import subject_of
from attnbench.bounds import TOKENS
from attnbench.profiling.latency.modes import call_of
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.spec import Workload

CELLS = [
    (name, impl)
    for name in NAMES
    for impl in attention_class(name).impls
    if impl in ("reference", "sdpa", "folded", "decomposed")
]
SCRATCH = {
    "sparse", "cswin", "biformer", "slide", "castling", "pooled", "manhattan", "manhattan-axial",
    "focal",
}  # fmt: skip
"""Their convolutions, and products over strided axes, copy inside an operator."""


def workload(name, impl="reference", **more):
    return Workload(**{"attention": name, "impl": impl, "grid": (13, 15), "dim": 96, **more})


@pytest.mark.parametrize(("name", "impl"), CELLS)
def test_a_forward_pass_takes_what_was_counted(name, impl):
    layer = workload(name, impl)
    subject = subject_of(layer)
    x = torch.randn(subject.input_shape)
    call = call_of("forward", subject.build(), x, subject.arguments)
    call()
    measured = measure_memory(call, torch.device("cpu")).peak_net_bytes
    counted = counted_memory(layer).peak_net_bytes
    assert counted <= 1.02 * measured
    assert counted >= (0.08 if name in SCRATCH else 0.98) * measured


def test_a_training_step_holds_gradients_and_moments():
    counted = counted_memory(workload("identity", mode="train"))
    tokens, weights = 4 * 13 * 15 * 96, 4 * 2 * (96 * 96 + 96)
    assert counted.peak_net_bytes >= tokens + weights  # gradients of the input and of the weights
    assert counted.held_bytes >= 2 * tokens + 4 * weights  # beside them weights and two moments


def test_fused_attention_keeps_no_scores_for_its_backward_pass():
    sides = [workload("dense", "sdpa", mode="train", grid=(side, side)) for side in (64, 128)]
    at = [counted_memory(one) for one in sides]
    assert at[1].held_bytes < 4.1 * at[0].held_bytes


@pytest.mark.parametrize("mode", ["forward", "train"])
def test_the_largest_map_fits_and_the_next_one_does_not(mode):
    layer, budget = workload("dense", mode=mode), 2**24
    found = largest_map(layer, counted_memory(layer).peak_net_bytes, budget)
    side = round(found.high**0.5)
    beside = [workload("dense", mode=mode, grid=(one, one)) for one in (side, side + 1)]
    held = [counted_memory(one).held_bytes for one in beside]
    assert found.low == found.high == side**2
    assert held[0] <= budget < held[1]


def test_what_was_measured_beyond_the_count_leaves_room_for_less():
    layer = workload("castling")
    peak = counted_memory(layer).peak_net_bytes
    less, more = (largest_map(layer, factor * peak // 2, 2**24) for factor in (1, 4))
    assert (less.scale, more.scale) == (1, pytest.approx(2, rel=1e-3))
    assert more.low < more.high == less.low == less.high


def test_what_never_fits_and_what_always_does():
    layer = workload("mean")
    assert largest_map(layer, 1, 1000).high == 0
    everything = largest_map(layer, 1, 10**12)
    assert (everything.high, everything.is_bounded) == (TOKENS, False)
