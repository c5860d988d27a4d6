"""Resident memory of a fresh process that builds something and calls it once.

It counts what torch's allocation events leave out: scratch memory of libraries, and what other
threads allocate. A process that has measured before holds memory that it would use again, so each
measurement gets a new one.

Before the mark is set back, the process imports torch, plug-ins and whatever the pickled `build`
names, calls small operators, and rehearses the build on the meta device, where tensors take no
memory. So imports are not counted.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence

import torch

from attnbench.isolation.program import IsolatedProgram
from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.high_water import Resident, unknown, why_no_mark
from attnbench.profiling.memory.resident_process import serve


def measure_resident(
    build: Callable[[], Call],
    *,
    plugins: Sequence[str] = (),
    threads: int | None = None,
    timeout_s: float = 600.0,
) -> Resident:
    """High-water mark of a process that runs `build()()`; takes seconds, most of them imports.

    Args:
        build: makes the call that is then called once. It is pickled, so a function of a module
            (not of `__main__`) or a `functools.partial` of one; what it holds is not counted.
        plugins: what `--plugin` named; loaded before `build` is unpickled.
        threads: CPU threads of torch there; by default as many as here.
        timeout_s: limit for building and calling, in seconds; start of the process not counted.

    Returns:
        Bytes, total and net, or None with the reason where the system does not report them.

    Raises:
        WorkLostError: build or call raised, the process crashed, was killed, or took too long.
    """
    missing = why_no_mark()
    if missing is not None:
        return unknown(missing)
    threads = torch.get_num_threads() if threads is None else threads
    job = (tuple(plugins), threads, pickle.dumps(build))
    with IsolatedProgram(serve) as process:
        process.send(job)
        process.wait_until_ready()
        too_late = f"the process did not build and call within {timeout_s:g} s and was ended"
        return process.receive(timeout_s, too_late)
