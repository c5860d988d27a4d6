"""The most memory that this process held resident at any time (Linux).

The kernel keeps the mark by itself (VmHWM), so that no short peak is missed and none has to be
sampled; it can be set back to the present size. Where that is refused, the mark still tells the
truth if it rose: then the peak was reached since, and not before. The rusage figure `ru_maxrss`
would not do in its place: it starts from the size of the parent process.

The kernel counts pages core by core and adds them up loosely: a figure is good to a few MiB. Pages
of code and data that libraries load on their first call are in it.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC_SELF = Path("/proc/self")
SET_BACK = "5"
"""What `clear_refs` takes as an order to set the mark back (proc(5))."""


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
    if _status_bytes("VmHWM") is None or _status_bytes("VmRSS") is None:
        return f"this system tells no high-water mark ({PROC_SELF / 'status'}, VmHWM)"
    return None


def high_water_of(work: Callable[[], object]) -> Resident:
    """The mark that a piece of work leaves; its result is held until the mark has been read."""
    missing = why_no_mark()
    if missing is not None:
        return unknown(missing)
    _give_back_free_memory()
    was_set_back = _set_back()
    mark_before, before = _told("VmHWM"), _told("VmRSS")
    result = work()
    total = _told("VmHWM")
    del result
    if not was_set_back and total <= mark_before:
        return unknown(
            f"the high-water mark cannot be set back ({PROC_SELF / 'clear_refs'}), and this stayed "
            f"under the {mark_before / 2**20:.0f} MiB that the process had reached before"
        )
    return Resident(net_bytes=max(0, total - before), total_bytes=total)


def _give_back_free_memory() -> None:
    """What was freed and is still resident would be used again, and so not be counted."""
    gc.collect()
    with suppress(OSError, AttributeError):  # a C library other than glibc has no such function
        ctypes.CDLL(None).malloc_trim(0)


def _set_back() -> bool:
    try:
        (PROC_SELF / "clear_refs").write_text(SET_BACK)
    except OSError:
        return False
    return True


def _told(field: str) -> int:
    value = _status_bytes(field)
    assert value is not None
    return value


def _status_bytes(field: str) -> int | None:
    """A size from /proc/self/status, which says kB and means KiB."""
    with suppress(OSError):
        for line in (PROC_SELF / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
    return None
