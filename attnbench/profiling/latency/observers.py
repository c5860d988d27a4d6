"""What is observed beside each sample, outside its timed span: who had the processor meanwhile.

An observer is called right before and right after a call is timed, and returns facts of that one
sample. Another observer is a class of its own; `measure_latencies` takes any number of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from attnbench import clocks

resource: Any
try:
    import resource
except ImportError:  # Windows
    resource = None

TASKS = Path("/proc/self/task")
"""Threads of this process, on Linux; each has a file with its time on and its wait for a core."""
MOST_THREADS = 16
"""Threads whose waits are read, the busiest ones: a file takes two microseconds."""
FINE_CLOCK_S = 1e-5
"""A clock of processor time that ticks more coarsely says nothing about one sample."""
SWIFT_READING_S = 3e-4
"""A system gives the core to another program when a process returns from it, so this process
often has to wait while it reads the clocks; the reading then takes longer than this."""
CANARY_LOOPS = 400
"""Additions of the canary: about ten microseconds."""

Facts: TypeAlias = Mapping[str, float]
"""Values of one sample; each key is the name of a field of `Latency` with a value a sample."""


class Observer:
    """Sees nothing; the base of those that do."""

    def start(self) -> None:
        """Sampling begins; all calls are warm."""

    def before(self) -> bool:
        """A call is about to be timed; False if the machine is not ready for it."""
        return True

    def after(self) -> Facts:
        """The call was timed; what was seen since `before`."""
        return {}

    def stop(self) -> None:
        """Sampling has ended, or failed."""


class Canary(Observer):
    """Small known work before and after a call: slow where something slows this core."""

    def __init__(self) -> None:
        self._before_s = 0.0

    def before(self) -> bool:
        """Do the work once."""
        self._before_s = sing()
        return True

    def after(self) -> Facts:
        """Do it again; the slower of the two counts."""
        return {"canary_s": max(self._before_s, sing())}


def sing() -> float:
    """Seconds of the known work; it touches no memory to speak of."""
    start = clocks.perf_counter()
    total = 0
    for number in range(CANARY_LOOPS):
        total += number
    return clocks.perf_counter() - start


class Processor(Observer):
    """Processor time of this process, its waits for a core, and the cores it lost.

    What the system does not report is left out: waits but on Linux, switches on Windows.
    """

    def __init__(self) -> None:
        self._tasks: tuple[int, ...] = ()
        self._has_clock = time.get_clock_info("process_time").resolution <= FINE_CLOCK_S
        self._begin = (0.0, 0, 0.0)

    def start(self) -> None:
        """Open the files of the threads that exist; the calls are warm, so theirs do."""
        self._tasks = _open_tasks()

    def before(self) -> bool:
        """Read the clocks; False if the core was lost meanwhile, as caches are then cold."""
        start = clocks.perf_counter()
        self._begin = self._waited_s(), _switches(), clocks.process_time()
        return clocks.perf_counter() - start < SWIFT_READING_S

    def after(self) -> Facts:
        """Read them again; the waits first, as each reading may be followed by one."""
        waited_s = self._waited_s() - self._begin[0]
        switches = _switches() - self._begin[1]
        cpu_s = clocks.process_time() - self._begin[2]
        facts: dict[str, float] = {"cpu_samples_s": cpu_s} if self._has_clock else {}
        if resource is not None:
            facts["switches"] = switches
        if self._tasks:
            # A thread that has ended takes its waits with it, so a difference may be negative.
            facts["waits_s"] = max(0.0, waited_s)
        return facts

    def stop(self) -> None:
        """Close the files."""
        for task in self._tasks:
            os.close(task)
        self._tasks = ()

    def _waited_s(self) -> float:
        return sum(_times_ns(task)[1] for task in self._tasks) / 1e9


def standard_observers() -> tuple[Observer, ...]:
    """Those of every measurement; the canary comes first, as it is no processor time of a call."""
    return Canary(), Processor()


def before_all(observers: Sequence[Observer]) -> bool:
    """Call `before` of each, the outermost first; whether all are ready."""
    ready = [observer.before() for observer in observers]
    return all(ready)


def after_all(observers: Sequence[Observer]) -> dict[str, float]:
    """The facts of all, the innermost asked first."""
    facts: dict[str, float] = {}
    for observer in reversed(observers):
        facts.update(observer.after())
    return facts


def _switches() -> int:
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw) if resource else 0


def _open_tasks() -> tuple[int, ...]:
    """Files of this thread and of the busiest others; none where the kernel counts no waits."""
    here = str(threading.get_native_id())
    found: list[tuple[bool, int, int]] = []
    for folder in TASKS.glob("*"):
        with suppress(OSError):  # the thread has just ended
            task = os.open(folder / "schedstat", os.O_RDONLY)
            found.append((folder.name == here, _times_ns(task)[0], task))
    found.sort(reverse=True)
    keep = MOST_THREADS if any(ran_ns for _, ran_ns, _ in found) else 0
    for _, _, task in found[keep:]:
        os.close(task)
    return tuple(task for _, _, task in found[:keep])


def _times_ns(task: int) -> tuple[int, int]:
    """Nanoseconds on a core and waiting for one; zeros of a thread that has ended."""
    try:
        ran, waited, *_ = os.pread(task, 64, 0).split()
    except (OSError, ValueError):
        return 0, 0
    return int(ran), int(waited)
