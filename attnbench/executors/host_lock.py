"""One job at a time measures on a machine: two would disturb each other's times."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone_on_host(name: str = "attnbench-measures") -> Iterator[None]:
    """Wait until no other job of this user measures on this machine.

    The system frees the lock when the process ends, however it ends. Windows has no such lock.

    Args:
        name: of what is locked.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = Path(tempfile.gettempdir()) / f"{name}-{user}.lock"
    with path.open("ab") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
