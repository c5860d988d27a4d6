"""Which operators a call runs, as a fingerprint: code that tunes itself may take another path.

Some code picks one of several equal paths at its first call, by timing them (autotuned kernels,
libraries that search for the quickest algorithm). Luck decides, and another run may be slower
though nothing was changed. Two runs whose fingerprints differ have not run the same code.

The fingerprint is made of the operators as torch's profiler sees them, with the shapes of their
inputs; on a GPU also of the kernels, with their grids, blocks, registers and shared memory, which
tell the choices of an autotuner apart. Views and operators inside others count, too. What runs
inside one compiled CPU function is not seen.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from attnbench.profiling.latency.timer import Call
from attnbench.profiling.trace import events_of

LAUNCH = ("grid", "block", "registers per thread", "shared memory")
"""What the trace says of the launch of a kernel, beside its name."""
COMPILED = "CompiledFxGraph"
"""In the name of the event of a compiled graph, with the hash of the graph."""


def code_path_of(call: Call, device: torch.device) -> str:
    """What one call runs: "94 operator calls, 3f2a91bc"; equal texts mean the same path."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # its lines would hide other output
    activities = [ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities, record_shapes=True) as profiler:
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return fingerprint(events_of(profiler))


def fingerprint(events: Iterable[Mapping[str, Any]]) -> str:
    """The path of the events of a trace; their order does not count, as threads mix it."""
    operators = Counter(text for event in events if (text := _step(event)))
    lines = sorted(f"{times} {text}" for text, times in operators.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]
    return f"{operators.total()} operator calls, {digest}"


def _step(event: Mapping[str, Any]) -> str:
    """An operator or kernel with its sizes; "" for the profiler's own events."""
    name, facts = str(event.get("name")), event.get("args", {})
    if event.get("cat") == "kernel":
        return f"{name} {[facts.get(key) for key in LAUNCH]}"
    if event.get("cat") == "cpu_op" and ("::" in name or COMPILED in name):
        return f"{name} {facts.get('Input Dims')}"
    return ""
