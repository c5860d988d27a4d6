"""The most memory that this process held resident while it did a piece of work.

The system keeps the high-water mark by itself (`marks`), so no short peak is missed and nothing has
to be sampled. The mark is set back to the present size before the work. If that is not possible,
the mark is still right if the work made it rise: then the peak was reached during the work.

Pages of code and data that libraries load on their first call are counted too.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from attnbench.profiling.memory.marks import Mark, mark_of_this_system


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """The mark of a process in bytes, and net of what it held before; None where not known."""

    net_bytes: int | None
    total_bytes: int | None
    reason: str = ""
    """Why it is not known."""


def unknown(reason: str) -> Resident:
    """No figure, with the reason."""
    return Resident(net_bytes=None, total_bytes=None, reason=reason)


def why_no_mark() -> str | None:
    """Why this system keeps no mark, or None where it does."""
    return mark_of_this_system().why_unavailable()


def high_water_of(work: Callable[[], object], mark: Mark | None = None) -> Resident:
    """The mark that a piece of work leaves; its result is held until the mark has been read.

    Args:
        work: what is called once.
        mark: instead of the running system's.
    """
    mark = mark or mark_of_this_system()
    missing = mark.why_unavailable()
    if missing is not None:
        return unknown(missing)
    gc.collect()
    give_back_free_memory()
    was_set_back = mark.set_back()
    mark_before, held_before = mark.mark_bytes(), mark.held_bytes()
    result = work()
    total = mark.mark_bytes()
    del result
    if not was_set_back and total <= mark_before:
        return unknown(
            "the high-water mark cannot be set back on this system, and the work stayed under the "
            f"{mark_before / 2**20:.0f} MiB that the process had reached before"
        )
    return Resident(net_bytes=max(0, total - held_before), total_bytes=total)


def give_back_free_memory() -> None:
    """Freed memory that is still resident would be used again, and so not be counted."""
    with suppress(OSError, AttributeError, TypeError):  # only glibc has such a function
        ctypes.CDLL(None).malloc_trim(0)
