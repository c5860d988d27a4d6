"""Peak memory of one call, net of what was there before it.

CUDA: the allocator's own peaks: what it handed out (allocated), and what it took from the device
(reserved). The unused reserve of earlier calls is given back first; a call that is served from it
would seem to need no memory. Live tensors count in totals, not in net figures; that includes the
buffer of a timer in use. The allocator takes blocks of 2 MiB and more, and fills gaps between live
tensors first. So the reserved net figure is coarse, and may be below the allocated one for small
calls.

CPU: torch's allocation events, added up in order. This finds short peaks that sampling the resident
size would miss. The events are those of the calling thread; torch's profiler does not report
allocations of threads that the call starts by itself.

Neither method sees scratch memory that libraries take without torch's allocator (oneDNN, cuBLAS
workspaces outside the pool). On the CPU `outside` does, and it includes other threads.
"""

from __future__ import annotations

import gc
import os
from itertools import accumulate

import torch
from torch.profiler import ProfilerActivity, profile

from attnbench.profiling.latency.timer import Call
from attnbench.profiling.trace import events_of
from attnbench.records import Memory


def measure_memory(call: Call, device: torch.device) -> Memory:
    """Peak of the allocations during `call`; call it once before, so that set-up is not counted.

    On CUDA the allocator's reserve is empty afterwards: warm up again before any timing.
    """
    return _cuda_peak(call, device) if device.type == "cuda" else _cpu_peak(call)


def _cuda_peak(call: Call, device: torch.device) -> Memory:
    gc.collect()  # garbage would otherwise be freed during the call
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    allocated = torch.cuda.memory_allocated(device)
    reserved = torch.cuda.memory_reserved(device)
    call()
    torch.cuda.synchronize(device)
    allocated_after = torch.cuda.memory_allocated(device)
    allocated_peak = torch.cuda.max_memory_allocated(device)
    reserved_peak = torch.cuda.max_memory_reserved(device)
    return Memory(
        peak_net_bytes=allocated_peak - allocated,
        peak_total_bytes=allocated_peak,
        method="cuda allocator",
        reserved_net_bytes=reserved_peak - reserved,
        reserved_total_bytes=reserved_peak,
        kept_more_bytes=max(0, allocated_after - allocated),
    )


def _cpu_peak(call: Call) -> Memory:
    # The profiler logs two lines for each start and stop; they would hide other output.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    held = [0, *accumulate(_allocation_changes(profiler))]
    return Memory(
        peak_net_bytes=max(held),
        peak_total_bytes=None,
        method="cpu profiler",
        kept_more_bytes=max(0, held[-1]),
    )


def _allocation_changes(profiler: profile) -> list[int]:
    """Bytes taken (+) and given back (-), in order of time."""
    allocations = [event for event in events_of(profiler) if event.get("name") == "[memory]"]
    return [event["args"]["Bytes"] for event in sorted(allocations, key=lambda event: event["ts"])]
