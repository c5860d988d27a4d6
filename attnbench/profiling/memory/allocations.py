"""Peak memory of one call, net of what was there before it.

CUDA: the allocator's own peaks, of what it handed out and of what it took from the device for that
(reserved). The reserve of earlier calls is given back first, as a call that is served from it would
seem to need none: free blocks of theirs, and the flush buffer of a timer that is gone, count for
nothing. What lives is in both totals and in neither net figure, a living timer's buffer included.
Blocks are taken from the device in pieces of 2 MiB and more, and gaps between living tensors are
filled first, so the reserved net figure is coarse, and for small calls may be below the other.

CPU: torch's allocation events, added up in their order, which finds short peaks that sampling the
resident size would miss. They are those of the calling thread: torch's profiler does not tell what
threads that the call starts by itself allocate.

Scratch memory that libraries take past torch's allocator (oneDNN, cuBLAS workspaces outside the
pool) is seen by neither. `resident` sees it on the CPU, and what other threads take.
"""

from __future__ import annotations

import gc
import json
import tempfile
from itertools import accumulate
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from attnbench.profiling.latency.timer import Call
from attnbench.records import Memory


def measure_memory(call: Call, device: torch.device) -> Memory:
    """Peak of the allocations during `call`; run it once before, so that set-up is not counted.

    On CUDA the allocator's reserve is empty afterwards: warm up again before any timing.
    """
    return _cuda_peak(call, device) if device.type == "cuda" else _cpu_peak(call)


def _cuda_peak(call: Call, device: torch.device) -> Memory:
    gc.collect()  # what waits to be collected would be given back in the midst of the call
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    allocated = torch.cuda.memory_allocated(device)
    reserved = torch.cuda.memory_reserved(device)
    call()
    torch.cuda.synchronize(device)
    allocated_peak = torch.cuda.max_memory_allocated(device)
    reserved_peak = torch.cuda.max_memory_reserved(device)
    return Memory(
        peak_net_bytes=allocated_peak - allocated,
        peak_total_bytes=allocated_peak,
        method="cuda allocator",
        reserved_net_bytes=reserved_peak - reserved,
        reserved_total_bytes=reserved_peak,
    )


def _cpu_peak(call: Call) -> Memory:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    changes = _allocation_changes(profiler)
    peak = max(accumulate(changes, initial=0))
    return Memory(peak_net_bytes=peak, peak_total_bytes=None, method="cpu profiler")


def _allocation_changes(profiler: profile) -> list[int]:
    """Bytes taken (+) and given back (-), in order of time, from the exported trace."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    allocations = [event for event in events if event.get("name") == "[memory]"]
    return [event["args"]["Bytes"] for event in sorted(allocations, key=lambda event: event["ts"])]
