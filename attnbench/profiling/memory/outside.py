"""Memory that a call takes past torch's allocator: NumPy, libraries' scratch, other threads.

The system's high-water mark of a process sees all memory alike. What it says beyond the peak of
torch's allocations was taken elsewhere. In this process the mark would say too much: freed memory
lies between memory in use, and some is handed out again elsewhere. So a copy of the process makes
the call, with an allocator that gives every block of some size back to the system at once; there
the mark is within a hundredth of torch's allocations for every mechanism of ours.

Linux with glibc. Not seen: memory that a library keeps from call to call, as it is held already
when the call begins (the mark of a fresh process, `resident`, has it), and child processes. The
copy works with one thread; scratch that each thread takes is seen once.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import threading

import torch

from attnbench import clocks
from attnbench.isolation.forked import in_fork
from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.marks import LinuxMark, mark_of_this_system

LEAST_BYTES = 4 * 2**20
"""Below this nothing is reported: pages that a call merely touches count too."""
PAGES_A_CORE = 32
"""Linux counts pages core by core, and adds up when a core has this many (more if there are many
cores): the mark is that inexact."""
MMAP_THRESHOLD, MMAP_BYTES = -3, 2**14
"""An option of glibc's `mallopt`: blocks from this size on are mapped on their own."""
LONGEST_S, PATIENCE = 5.0, 20.0
"""A copy is given up after this time, plus this many times the time of a call here."""


def outside_bytes(call: Call, peak_net_bytes: int) -> int | None:
    """Bytes that a call takes beyond torch's allocations; 0 if too few to be sure of.

    Args:
        call: called once here, and twice in a copy of this process.
        peak_net_bytes: the peak of torch's allocations during a call.

    Returns:
        None if that is not seen on this system, or if the copy failed.
    """
    if not is_seen():
        return None
    start = clocks.perf_counter()
    call()
    longest_s = LONGEST_S + PATIENCE * (clocks.perf_counter() - start)
    resident = in_fork(lambda: _in_new_thread(call), longest_s)
    if resident is None:
        return None
    beyond = resident - peak_net_bytes
    return beyond if beyond >= inexact_bytes() else 0


def is_seen() -> bool:
    """Whether this system tells what is taken past torch's allocator."""
    mark = mark_of_this_system()
    usable = isinstance(mark, LinuxMark) and mark.why_unavailable() is None
    return usable and hasattr(ctypes.CDLL(None), "mallopt") and mark.set_back()


def inexact_bytes() -> int:
    """Less than this cannot be told from an inexact mark."""
    cores = os.cpu_count() or 1
    return max(LEAST_BYTES, cores * max(PAGES_A_CORE, 2 * cores) * mmap.PAGESIZE)


def _in_new_thread(call: Call) -> int:
    """The mark of a call, in a thread: glibc gives it an area of memory with nothing free in it."""
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(_mark_of(call)))
    thread.start()
    thread.join()
    return answers[0]


def _mark_of(call: Call) -> int:
    torch.set_num_threads(1)  # the others are not in the copy
    ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, MMAP_BYTES)
    call()  # the pages of code that it needs must be in this process
    mark = mark_of_this_system()
    mark.set_back()
    held = mark.held_bytes()
    call()
    return mark.mark_bytes() - held
