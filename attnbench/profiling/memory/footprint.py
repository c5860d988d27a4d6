"""All that is recorded of a call's memory: its peak, what is kept, what is taken elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.profiling.memory.kept import held_by, kept_bytes
from attnbench.profiling.memory.outside import outside_bytes
from attnbench.records import Memory
from attnbench.units import format_bytes


def measure_footprint(
    call: Call, module: nn.Module, forward: Callable[[], object], x: Tensor
) -> Memory:
    """Measure a call that was called before, by a few more calls outside of any timing.

    Args:
        call: what was timed.
        module: the module that it calls.
        forward: one forward pass of the module.
        x: its input.
    """
    memory = measure_memory(call, x.device)
    left = _left_for_good(call, x.device, memory.kept_more_bytes or 0)
    # A GPU's memory is not the process's, which the system's mark is about.
    outside = outside_bytes(call, memory.peak_net_bytes) if x.device.type == "cpu" else None
    return replace(
        memory,
        kept_more_bytes=max(left, _more_held(call, module)),
        kept_bytes=kept_bytes(module, forward, x),
        outside_bytes=outside,
    )


def memory_notes(memory: Memory) -> list[str]:
    """What a reader of the peak must know besides."""
    notes = []
    if memory.kept_more_bytes:
        more = format_bytes(memory.kept_more_bytes)
        notes.append(f"memory grows: each call leaves {more} more allocated")
    if memory.outside_bytes:
        outside = format_bytes(memory.outside_bytes)
        notes.append(f"takes {outside} outside of torch's allocator, which its peak leaves out")
    return notes


def _left_for_good(call: Call, device: torch.device, left: int) -> int:
    """What is still allocated after a call; `left` is what seemed so at first."""

    def call_and_collect() -> None:
        call()
        gc.collect()

    # The profiler knows only what it saw made. So the first time, what a call puts in the place of
    # something older looks like growth. Objects in cycles, too, are no hoard.
    for again in (call, call_and_collect):
        if left:
            left = measure_memory(again, device).kept_more_bytes or 0
    return left


def _more_held(call: Call, module: nn.Module) -> int:
    """What the module holds more after a call, of torch or not."""
    before = sum(held_by(module).values())
    call()
    return max(0, sum(held_by(module).values()) - before)
