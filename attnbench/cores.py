"""How many processor cores this process may use."""

from __future__ import annotations


def available_cores() -> int:
    """Cores that this process may run on; all of the machine where nothing limits it."""
    import psutil

    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # Linux and Windows
        return len(process.cpu_affinity())
    return psutil.cpu_count() or 1
