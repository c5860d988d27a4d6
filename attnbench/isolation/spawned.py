"""A process of `multiprocessing`, kept as long as it is needed.

It is spawned, never forked: torch's threads and CUDA do not survive a fork. It ignores Ctrl-C from
its first moment, leads a session of its own, ends with its parent, and prints into a file.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import c_int
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from attnbench.isolation.answers import NOWHERE, JobConnection, Serve, part_of
from attnbench.isolation.family import marked
from attnbench.isolation.inside import end_with
from attnbench.isolation.process import IsolatedProcess


class SpawnedProcess(IsolatedProcess):
    """Runs `serve(connection, *arguments)` in a process of its own."""

    def __init__(
        self, serve: Serve, arguments: Sequence[Any], *, has_children: bool = False
    ) -> None:
        """Start it; `serve` and the arguments are pickled.

        Args:
            serve: a function of a module.
            arguments: follow the connection.
            has_children: whether it may start processes of `multiprocessing`, as readers of images
                are. This process then must not end before `end` was called.
        """
        connection, far_end = get_context("spawn").Pipe()
        output = tempfile.NamedTemporaryFile(prefix="attnbench-", delete=False)  # noqa: SIM115
        super().__init__(connection, output)
        self._output_name = output.name
        self._begun = get_context("spawn").RawValue("i", NOWHERE)
        self._process = get_context("spawn").Process(
            target=_begin, args=(output.name, serve, far_end, self._begun, *arguments),
            daemon=not has_children,
        )  # fmt: skip
        _start_helper()
        with _ignoring_ctrl_c(), marked(os.environ) as self._mark:
            self._process.start()
        far_end.close()  # while this side holds it open, the end of the process does not show

    @property
    def pid(self) -> int:
        """See `IsolatedProcess.pid`."""
        return self._process.pid or 0

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def exit_code(self, limit_s: float) -> int | None:
        """See `IsolatedProcess.exit_code`."""
        if self._process.exitcode is None and limit_s > 0:
            self._process.join(limit_s)
        return self._process.exitcode

    def end(self) -> None:
        """See `IsolatedProcess.end`."""
        super().end()
        _remove(self._output_name)

    def _kill(self) -> None:
        self._process.kill()

    def send(self, job: Any) -> None:
        """See `IsolatedProcess.send`."""
        self._begun.value = NOWHERE
        super().send(job)

    def _part(self) -> int | None:
        return part_of(self._begun.value)


def _start_helper() -> None:
    """Start Python's helper of all processes before one is marked: it belongs to no family."""
    if sys.platform != "win32":
        resource_tracker.ensure_running()


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
    output: str, serve: Serve, connection: Connection, begun: c_int, *arguments: Any
) -> None:
    """The first thing that the process does: leave terminal and Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
    _send_output_to(output)
    parent = parent_process()
    assert parent is not None
    end_with(parent.sentinel)
    serve(JobConnection(connection, begun), *arguments)


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
