"""Resident memory of a fresh process that builds something and calls it once (Linux).

What torch's allocation events leave out is in it: scratch memory of libraries, and what other
threads take. A process that has measured before holds memory that it would use again, so each
measurement gets a new one. It is started as a program of its own: a process of `multiprocessing`
may have no children where it is itself a daemon, as the worker of a sweep is.

Before the mark is set back, the process has imported torch, plug-ins and whatever the pickled
`build` names, has called small operators, and has rehearsed the build on the meta device, where it
takes no memory: what it imports on the way is not its own.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO, Any

import torch

from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.high_water import Resident, unknown, why_no_mark
from attnbench.records import Status

START_LIMIT_S = 120.0
"""Importing torch takes seconds, and much longer from a slow disk that is read the first time."""
END_LIMIT_S = 10.0
"""A process that has closed its connection by ending is gone at once."""
LAST_WORDS = 200
"""Characters of the last line of output that are kept in a reason."""
PROGRAM = (
    "import sys; sys.path[:] = {path!r}; "
    "from attnbench.profiling.memory.resident_process import serve; serve({descriptor})"
)


class ResidentError(Exception):
    """The process failed, or was lost, with its status and reason."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


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
        Bytes, total and net, or None with the reason where the system does not tell.

    Raises:
        ResidentError: build or call raised, the process crashed, was killed, or took too long.
    """
    missing = why_no_mark()
    if missing is not None:
        return unknown(missing)
    threads = torch.get_num_threads() if threads is None else threads
    job = (tuple(plugins), threads, pickle.dumps(build))
    with tempfile.TemporaryFile() as output, _fresh_process(output) as (process, connection):
        with suppress(OSError):  # it has ended just now; receiving says how
            connection.send(job)
        _receive(process, connection, output, START_LIMIT_S, "was not ready")
        return _receive(process, connection, output, timeout_s, "did not build and call")


@contextmanager
def _fresh_process(output: IO[bytes]) -> Iterator[tuple[subprocess.Popen[bytes], Connection]]:
    """A process and the line to it; whatever happens, it is gone afterwards."""
    connection, far_end = Pipe()
    with connection:
        with far_end:  # while this side held it open, the end of the process would not show
            program = PROGRAM.format(path=sys.path, descriptor=far_end.fileno())
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[far_end.fileno()],
                start_new_session=True,  # out of reach of the terminal, and so of Ctrl-C
            )
        try:
            yield process, connection
        finally:
            process.kill()
            process.wait()


def _receive(
    process: subprocess.Popen[bytes],
    connection: Connection,
    output: IO[bytes],
    limit_s: float,
    late: str,
) -> Any:
    """Its next message; a failure is raised, and so is what became of a process without one."""
    if not connection.poll(limit_s):
        raise ResidentError("timeout", f"the process {late} within {limit_s:g} s and was ended")
    try:
        status, answer = connection.recv()
    except (EOFError, OSError):  # it ended before the message, or in the midst of it
        status, reason = _explain_end(process)
        answer = ": ".join(filter(None, (reason, _last_words(output))))
    if status != "ok":
        raise ResidentError(status, answer)
    return answer


def _explain_end(process: subprocess.Popen[bytes]) -> tuple[Status, str]:
    """Status and reason of a process that ended without an answer; negative codes are signals."""
    try:
        exit_code = process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        return "failed", "the process closed its connection and went on"
    if exit_code >= 0:
        return "failed", f"the process ended with exit code {exit_code}"
    if exit_code == -signal.SIGKILL:
        return "out_of_memory", "the kernel killed the process (SIGKILL), most likely for memory"
    names = {known.value: known.name for known in signal.Signals}
    return "failed", f"the process crashed ({names.get(-exit_code, f'signal {-exit_code}')})"


def _last_words(output: IO[bytes]) -> str:
    """The last line that it printed, or ""."""
    end = output.seek(0, os.SEEK_END)
    output.seek(max(0, end - 4 * LAST_WORDS))
    lines = output.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:LAST_WORDS] if lines else ""
