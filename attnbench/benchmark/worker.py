"""A process that measures cells: kept warm from one comparison to the next, replaced on failure.

A cell may run out of memory, hang, or crash the interpreter. It then takes this process with it
and not the sweep: how the process ended becomes status and reason of the cell. The process is
spawned, never forked (torch's threads and CUDA do not survive a fork); it imports everything anew,
plug-ins included. That is why torch is imported inside functions here: the first thing that the
new process does must be to leave terminal and Ctrl-C to its parent.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from attnbench.errors import UserError
from attnbench.records import CostRecord, Status
from attnbench.spec import AnyWorkload, Protocol

START_LIMIT_S = 120.0
"""Importing torch takes seconds, and much longer from a slow disk that is read the first time."""
END_LIMIT_S = 10.0
"""A process that was killed is gone at once, unless a driver holds it."""
TELL_EVERY_S = 0.5
LAST_WORDS = 200
"""Characters of the last line of output that are kept in a reason."""


class CellLostError(Exception):
    """A cell without a record: its process ended, or knew no such cell. Has status and reason."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Worker:
    """Measures cells in another process; a context manager, which leaves no process behind."""

    def __init__(self, device: str, plugins: Sequence[str], timeout_s: float) -> None:
        """The process starts with the first cell.

        Args:
            device: where cells are measured.
            plugins: what `--plugin` named, to be loaded in the process too.
            timeout_s: seconds for which a comparison may make no progress (a call that is timed is
                progress), start of the process not counted.
        """
        if not timeout_s > 0:
            raise UserError(f"--timeout must be above 0, got {timeout_s:g}")
        self.timeout_s = timeout_s
        self._settings = (device, tuple(plugins))
        self._process: _Process | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def measure(
        self,
        workloads: Sequence[AnyWorkload],
        protocol: Protocol,
        on_step: Callable[[str], None] = lambda text: None,
    ) -> list[CostRecord]:
        """Measure one comparison: the cells are sampled in turn.

        Raises:
            CellLostError: the process crashed, was killed, or said nothing for too long; the next
                comparison gets a new one.
        """
        try:
            job = (tuple(workloads), protocol)
            answer = self._ready_process().ask(job, self.timeout_s, on_step)
            if not isinstance(answer, list):
                raise CellLostError(*answer)
        except CellLostError:
            self.close()
            raise
        if any(record.status not in ("ok", "unsupported") for record in answer):
            self.close()  # what went wrong may have left traces, in CUDA's context above all
        return answer

    def close(self) -> None:
        """End the process, whatever it is doing; a later cell would start another."""
        if self._process is not None:
            self._process.end()
        self._process = None

    def _ready_process(self) -> _Process:
        """The process, new where there is none or where it ended while it had nothing to do."""
        if self._process is None or not self._process.is_alive():
            self.close()
            self._process = _Process(*self._settings)
            self._process.wait_until_ready()
        return self._process


class _Process:
    """One spawned process, its connection, and the file that takes what it prints."""

    def __init__(self, device: str, plugins: Sequence[str]) -> None:
        import torch

        context = get_context("spawn")
        self._output = tempfile.NamedTemporaryFile(prefix="attnbench-", delete=False)  # noqa: SIM115
        self._said_before = 0
        self._connection, far_end = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(far_end, self._output.name, torch.get_num_threads(), device, plugins),
            daemon=True,
        )
        with _ignoring_ctrl_c():
            self._process.start()
        far_end.close()  # while this side held it open, the end of the process would not show

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def wait_until_ready(self) -> None:
        """Wait until it has imported everything."""
        reason = f"the process was not ready after {START_LIMIT_S:g} s"
        self._receive(START_LIMIT_S, ("failed", reason))

    def ask(self, job: Any, limit_s: float, on_step: Callable[[str], None]) -> Any:
        """Send a job and wait for the answer; what it says on the way is passed on."""
        self._said_before = self._output.seek(0, os.SEEK_END)
        with suppress(OSError):  # it has ended just now; receiving says how
            self._connection.send(job)
        reason = f"made no progress for {limit_s:g} s (--timeout) and was ended"
        while isinstance(answer := self._receive(limit_s, ("timeout", reason)), str):
            on_step(answer)
        return answer

    def end(self) -> None:
        """Kill it; harmless where it has ended by itself."""
        self._process.kill()
        self._process.join(END_LIMIT_S)
        self._connection.close()
        self._output.close()
        _remove(self._output.name)

    def _receive(self, limit_s: float, late: tuple[Status, str]) -> Any:
        """Its next message; where none comes, what became of the process is raised."""
        if not wait([self._connection, self._process.sentinel], limit_s):
            raise CellLostError(*late)
        with suppress(EOFError, OSError):  # it ended before the message, or in the midst of it
            if self._connection.poll():
                return self._connection.recv()
        self._process.join(END_LIMIT_S)
        status, reason = explain_end(self._process.exitcode)
        raise CellLostError(status, ": ".join(filter(None, (reason, self._last_words()))))

    def _last_words(self) -> str:
        """The last line that it printed since the job began, or ""."""
        end = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(self._said_before, end - 4 * LAST_WORDS))
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:LAST_WORDS] if lines else ""


def explain_end(exit_code: int | None) -> tuple[Status, str]:
    """Status and reason of a process that ended by itself; negative codes are signals."""
    if exit_code is None:
        return "failed", "the process closed its connection and went on"
    if exit_code >= 0:
        return "failed", f"the process ended with exit code {exit_code}"
    names = {known.value: known.name for known in signal.Signals}
    name = names.get(-exit_code, f"signal {-exit_code}")
    if name == "SIGKILL":
        return "out_of_memory", "the kernel killed the process (SIGKILL), most likely for memory"
    return "failed", f"the process crashed ({name})"


@contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """A process started in here inherits that, and is deaf to Ctrl-C from its first moment."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; the process will do so itself, later
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(
    connection: Connection, output: str, threads: int, device: str, plugins: Sequence[str]
) -> None:
    """The process: say that it is ready, then answer cells until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _send_output_to(output)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _share_no_lock()

    import torch

    import attnbench.benchmark.runner  # noqa: F401 - now, and not at the cost of the first cell
    from attnbench.registry import load_plugin

    if torch.get_num_threads() != threads:  # setting even the same number would change MKL's ways
        torch.set_num_threads(threads)
    for source in plugins:
        load_plugin(source)
    connection.send("ready")
    while True:
        try:
            workloads, protocol = connection.recv()
        except EOFError:
            return
        connection.send(_measure(workloads, protocol, device, _Sparingly(connection.send)))


def _share_no_lock() -> None:
    """Torch's compiler uses tqdm, whose lock between processes would be left behind by a kill."""
    with suppress(ImportError):
        from tqdm import tqdm

        tqdm.set_lock(threading.RLock())


class _Sparingly:
    """Passes texts on, but the many of a busy second only once: sending takes time from others."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told_at = 0.0

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            self._tell(text)


def _measure(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol,
    device: str,
    on_step: Callable[[str], None],
) -> list[CostRecord] | tuple[Status, str]:
    from attnbench.benchmark.runner import failure, profile

    try:
        return profile(workloads, protocol, device, on_step=on_step)
    except Exception as error:  # noqa: BLE001 - costs this cell, and no other
        return failure(error)


def _send_output_to(path: str) -> None:
    """What the process prints, C libraries included, must not garble the parent's terminal."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(file, standard)
    os.close(file)
    _remove(path)  # both sides hold it open, and nothing is left behind by a parent that is killed


def _remove(path: str) -> None:
    with suppress(OSError):  # gone already; or Windows, which keeps a file that is open
        os.unlink(path)


def _end_with_parent() -> None:
    """End with the parent, however it ended, and even in the midst of a cell that hangs."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
