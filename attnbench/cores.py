"""The processor cores that this process may use."""

from __future__ import annotations


def available_cores() -> int:
    """Cores that this process may keep busy; all of the machine where nothing limits it.

    Limits are the cores that it is held to, a container's share of the processor (control groups),
    and `LOKY_MAX_CPU_COUNT`, the variable by which users limit joblib.
    """
    from joblib import cpu_count

    return cpu_count()


def pinned_cores() -> int:
    """Cores that this process is held to; 0 where it may run on every core of the machine."""
    import psutil

    allowed, all_cores = allowed_cores(), psutil.cpu_count() or 0
    return len(allowed) if 0 < len(allowed) < all_cores else 0


def allowed_cores() -> list[int]:
    """Numbers of the cores that this process may run on; [] where the system does not say."""
    import psutil

    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):  # macOS
        return []
    return list(process.cpu_affinity())
