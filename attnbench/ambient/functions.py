"""Functions that the measurement relies on and that anybody may replace, such as clocks."""

from __future__ import annotations

import sys
from typing import Any

WATCHED = {
    "time": (
        "clock_gettime", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
        "process_time", "process_time_ns", "sleep", "thread_time", "thread_time_ns", "time",
        "time_ns",
    ),
    "attnbench.clocks": ("monotonic", "perf_counter", "process_time", "sleep", "thread_time"),
    "attnbench.profiling.latency.timer": ("timer_for",),
    "attnbench.profiling.latency.timer:CudaTimer": ("now", "time_call"),
    "attnbench.profiling.latency.timer:WallTimer": ("now", "time_call"),
    "attnbench.profiling.honesty.verifier:Verifier": ("finish", "inspect", "prepare"),
    "attnbench.benchmark.runner": ("measure_latencies", "profile"),
    "gc": ("collect", "disable", "enable", "isenabled"),
    "os": ("times", "getpid"),
    "random": ("SystemRandom", "getstate", "setstate"),
    "threading": ("active_count", "enumerate", "current_thread"),
    "torch": (
        "allclose", "are_deterministic_algorithms_enabled", "clone", "empty", "empty_like", "equal",
        "get_default_dtype", "get_float32_matmul_precision", "get_num_threads", "get_rng_state",
        "inference_mode", "is_grad_enabled", "isfinite", "isnan", "no_grad", "randn",
        "set_num_threads", "set_rng_state", "zeros_like",
    ),
    "torch.autograd": ("backward", "grad"),
    "torch.cuda": (
        "Event", "current_stream", "get_rng_state", "max_memory_allocated", "memory_allocated",
        "set_rng_state", "synchronize",
    ),
    "torch.nn:Module": (
        "__call__", "buffers", "eval", "load_state_dict", "parameters", "state_dict", "train",
    ),
    "torch:Tensor": (
        "__eq__", "abs", "all", "any", "clone", "copy_", "data_ptr", "double", "equal", "float",
        "isfinite", "item", "max", "mean", "mul_", "normal_", "shape", "size", "sub", "__sub__",
        "untyped_storage",
    ),
}  # fmt: skip
"""Owner, as "module" or "module:class" → its attributes. Nothing is imported for this."""
FIRST_LOADED = frozenset(
    {"torch"} | {name.partition(":")[0] for name in WATCHED if name.startswith("attnbench.")}
)
"""Modules that a plug-in may be the first to load; torch is whole only when all of it is there."""


class Functions:
    """The watched functions as they are now, of the modules that are imported."""

    def __init__(self) -> None:
        self._kept = {
            (owner, name): getattr(place, name)
            for owner, names in WATCHED.items()
            if (place := _place(owner)) is not None
            for name in names
            if hasattr(place, name)  # a module may be in the middle of its import
        }

    def put_back(self) -> list[str]:
        """Undo every replacement; returns a text about each."""
        replaced = [
            (owner, name, was)
            for (owner, name), was in self._kept.items()
            if getattr(_place(owner), name, None) is not was
        ]
        for owner, name, was in replaced:
            _restore(_place(owner), name, was)
        return [f"replaced {owner.replace(':', '.')}.{name}" for owner, name, _ in replaced]


def _place(owner: str) -> Any:
    """The module or class, or None where it is not imported."""
    module, _, attribute = owner.partition(":")
    if module not in sys.modules:
        return None
    found = sys.modules[module]
    return getattr(found, attribute, None) if attribute else found


def _restore(place: Any, name: str, was: Any) -> None:
    """Set the attribute; one that a class inherits becomes inherited again."""
    if name in vars(place):
        delattr(place, name)
    if getattr(place, name, None) is not was:
        setattr(place, name, was)
