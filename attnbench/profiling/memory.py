"""Peak memory of one call, net of what was there before it.

CUDA: the allocator's own peak. CPU: torch's allocation events, added up in their order, which
finds short peaks that sampling the resident size would miss. Scratch memory that libraries take
past torch's allocator (oneDNN, cuBLAS workspaces outside the pool) is not seen by either.
"""

from __future__ import annotations

import json
import tempfile
from itertools import accumulate
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from attnbench.measured import Memory
from attnbench.profiling.timer import Call


def measure_memory(call: Call, device: torch.device) -> Memory:
    """Peak of the allocations during `call`; run it once before, so that set-up is not counted."""
    return _cuda_peak(call, device) if device.type == "cuda" else _cpu_peak(call)


def _cuda_peak(call: Call, device: torch.device) -> Memory:
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device)
    return Memory(peak_net_bytes=peak - before, peak_total_bytes=peak, method="cuda allocator")


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
