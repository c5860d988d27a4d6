"""A program that any process may start, even a daemon of `multiprocessing`.

Daemons, such as the worker of a sweep, may not start processes of `multiprocessing`. The program
has a session of its own, out of reach of the terminal's Ctrl-C, and prints into a file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from multiprocessing import Pipe, connection
from multiprocessing.connection import Connection
from typing import Any

from attnbench.isolation.answers import JobConnection, Serve
from attnbench.isolation.family import marked
from attnbench.isolation.process import IsolatedProcess

PROGRAM = (
    "import sys; sys.path[:] = {path!r}; "
    "from attnbench.isolation.program import connect; "
    "from {module} import {function} as serve; serve(connect({handle}))"
)


class IsolatedProgram(IsolatedProcess):
    """Runs `serve(connection)` in a fresh interpreter; `serve` is a function of a module."""

    def __init__(self, serve: Serve) -> None:
        near_end, far_end = Pipe()
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        super().__init__(near_end, output)
        with far_end:  # while this side holds it open, the end of the process does not show
            program = PROGRAM.format(
                path=sys.path,
                module=serve.__module__,
                function=serve.__qualname__,
                handle=far_end.fileno(),
            )
            environment = dict(os.environ)
            with marked(environment) as self._mark:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", program],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    **_own_session_with(far_end.fileno()),
                )

    @property
    def pid(self) -> int:
        """See `IsolatedProcess.pid`."""
        return self._process.pid

    def exit_code(self, limit_s: float) -> int | None:
        """See `IsolatedProcess.exit_code`."""
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None

    def _kill(self) -> None:
        self._process.kill()


def connect(handle: int) -> JobConnection:
    """The far end of the connection, in the process that has inherited its handle."""
    if sys.platform == "win32":
        return JobConnection(connection.PipeConnection(handle))
    return JobConnection(Connection(handle))


def _own_session_with(handle: int) -> dict[str, Any]:
    """How the new process inherits the handle and is out of reach of Ctrl-C."""
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        return {"startupinfo": startup, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"pass_fds": [handle], "start_new_session": True}
