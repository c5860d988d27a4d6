"""A process of `multiprocessing`, kept as long as it is needed.

It is spawned, never forked: torch's threads and CUDA do not survive a fork. It ignores Ctrl-C from
its first moment, ends with its parent, and prints into a file.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any

from attnbench.isolation.inside import end_with
from attnbench.isolation.process import IsolatedProcess, Watched


class SpawnedProcess(IsolatedProcess):
    """Runs `serve(connection, *arguments)` in a process of its own."""

    def __init__(self, serve: Callable[..., None], arguments: Sequence[Any]) -> None:
        """Start it; `serve` and the arguments are pickled."""
        connection, far_end = get_context("spawn").Pipe()
        output = tempfile.NamedTemporaryFile(prefix="attnbench-", delete=False)  # noqa: SIM115
        super().__init__(connection, output)
        self._output_name = output.name
        self._process = get_context("spawn").Process(
            target=_begin, args=(output.name, serve, far_end, *arguments), daemon=True
        )
        with _ignoring_ctrl_c():
            self._process.start()
        far_end.close()  # while this side holds it open, the end of the process does not show

    @property
    def pid(self) -> int | None:
        """Its number."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def exit_code(self, limit_s: float) -> int | None:
        """See `IsolatedProcess.exit_code`."""
        self._process.join(limit_s)
        return self._process.exitcode

    def end(self) -> None:
        """See `IsolatedProcess.end`."""
        super().end()
        _remove(self._output_name)

    def _kill(self) -> None:
        self._process.kill()

    def _watched(self) -> Sequence[Watched]:
        return [self._connection, self._process.sentinel]


@contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """A process started in here inherits that, and ignores Ctrl-C from its first moment."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; the process does so itself, later
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(
    output: str, serve: Callable[..., None], connection: Connection, *arguments: Any
) -> None:
    """The first thing that the process does: leave terminal and Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _send_output_to(output)
    parent = parent_process()
    assert parent is not None
    end_with(parent.sentinel)
    serve(connection, *arguments)


def _send_output_to(path: str) -> None:
    """What the process prints, C libraries included, must not garble the parent's terminal."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(file, standard)
    os.close(file)
    _remove(path)  # both sides hold it open, and a parent that is killed leaves nothing behind


def _remove(path: str) -> None:
    with suppress(OSError):  # gone already; or Windows, which keeps a file that is open
        os.unlink(path)
