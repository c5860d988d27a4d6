"""One program in several processes that work together; the failure of one ends all.

torch's own launcher does the same for `torchrun`, in seconds and with a report of dozens of lines.
Here one line says what happened. The first process has the terminal; what the others print is kept
for the case that they fail. All end with the one that started them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from attnbench.cores import available_cores
from attnbench.isolation.ending import explain_end, read_last_words
from attnbench.isolation.family import end_family, marked
from attnbench.together import MESSAGE, PARENT, Place

GRACE_S = 20.0
"""Seconds that the others have to end by themselves, once one has failed."""
LOOK_EVERY_S = 0.05
LOST_CODE = 2
"""Exit code where a process was killed: the line says what a user can do."""
SIGNALS = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP")
"""Passed on to all processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How all of them ended."""

    code: int = 0
    """Exit code of the one that failed first, as shells show it."""
    text: str = ""
    """What to say of it; "" if it was said, or all went well."""


def run_several(program: str, words: Sequence[str], count: int) -> End:
    """Run a program in so many processes, and wait for all.

    They find each other by the variables of torchrun: RANK, WORLD_SIZE, MASTER_ADDR, ….

    Args:
        program: Python code.
        words: its `sys.argv[1:]`.
        count: processes.
    """
    started: list[_Started] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attnbench-")))
        reading, writing = os.pipe()  # the end of this process closes what they read
        stack.callback(os.close, writing)
        stack.callback(os.close, reading)
        stack.enter_context(_passed_on(started))
        # Else each would take all cores, and wait for the others at every operator.
        threads = {"OMP_NUM_THREADS": str(max(1, available_cores() // count))}
        quiet = {"TORCH_CPP_LOG_LEVEL": "ERROR"}
        place = {**_meeting_point(), "WORLD_SIZE": str(count), PARENT: str(reading)}
        common = {**threads, **quiet, **os.environ, **place}
        mark = stack.enter_context(marked(common))
        stack.callback(_end, started, mark)
        command = [sys.executable, "-c", program, *words]
        for rank in range(count):
            started.append(_Started(command, rank, count, common, folder, reading))
            stack.callback(started[-1].close)
        return _end_of(_waited_for(started, mark), count)


class _Started:
    """One of the processes."""

    def __init__(
        self,
        command: Sequence[str],
        rank: int,
        count: int,
        common: Mapping[str, str],
        folder: Path,
        parent: int,
    ) -> None:
        self.rank = rank
        self._was_ended = False
        self._message, output = folder / f"{rank}.json", folder / f"{rank}.txt"
        self._output = output.open("w+b")
        own = {
            "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(count),
            MESSAGE: str(self._message),
        }  # fmt: skip
        place: Any = None if rank == 0 else self._output
        self._process = subprocess.Popen(
            command, env={**common, **own}, stdin=subprocess.DEVNULL, stdout=place, stderr=place,
            pass_fds=(parent,), start_new_session=True,
        )  # fmt: skip

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def send(self, number: int) -> None:
        """Send a signal, if it still runs."""
        with suppress(OSError):
            self._process.send_signal(number)

    def end(self, mark: str) -> None:
        """Kill it with its whole family, if it still runs."""
        if self.code is None:
            end_family(self._process.pid, mark)
            self._process.wait()

    def note_its_end(self) -> None:
        """If it still runs, it will only have ended because another one has."""
        self._was_ended |= self.code is None

    def close(self) -> None:
        """Forget what it printed."""
        self._output.close()

    def why(self) -> tuple[str, bool]:
        """What it said, and whether it has only ended because another one has."""
        with suppress(OSError, ValueError):
            said = json.loads(self._message.read_text(encoding="utf-8"))
            return said["text"], said["lost"]
        if self._was_ended:
            return "", True
        code, words = self.code or 0, read_last_words(self._output)
        if code < 0 or words:
            return explain_end(code, words)[1], False
        return "", False  # the first process has said it, or all of them were stopped


def place_here() -> Place:
    """The place of a process that `run_several` has started."""
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return Place(rank=rank, size=size, local_rank=rank, local_size=size)


def leave_message(path: Path, text: str, *, lost: bool) -> None:
    """Say why this process ends, where the one that started it looks.

    Args:
        path: of the variable `MESSAGE`.
        text: one line.
        lost: whether it ends because another one has.
    """
    with suppress(OSError):
        path.write_text(json.dumps({"text": text, "lost": lost}), encoding="utf-8")


def _end(started: Sequence[_Started], mark: str) -> None:
    for one in started:
        one.note_its_end()
    for one in started:
        one.end(mark)


def _waited_for(started: Sequence[_Started], mark: str) -> list[_Started]:
    """Those that failed, the first one first; all have ended."""
    failed: list[_Started] = []
    deadline = float("inf")
    while any(one.code is None for one in started):
        new = [one for one in started if one.code not in (None, 0) and one not in failed]
        failed += new
        if new and deadline == float("inf"):
            deadline = time.monotonic() + GRACE_S
        if time.monotonic() > deadline:
            _end(started, mark)
            break
        time.sleep(LOOK_EVERY_S)
    return failed + [one for one in started if one.code and one not in failed]


def _end_of(failed: Sequence[_Started], count: int) -> End:
    """The end of the one whose failure was not caused by that of another."""
    if not failed:
        return End()
    said = {one.rank: one.why() for one in failed}
    own = [one for one in failed if not said[one.rank][1]] or list(failed)
    root = next((one for one in own if said[one.rank][0]), own[0])
    text, code = said[root.rank][0], root.code or 0
    first, lost = said.get(0, ("", False))
    if text and first != text:
        text = f"process {root.rank} of {count} (from 0): {text}"
        kept = first.partition("; ")[2] if lost else ""
        text = f"{text}; {kept}" if kept else text
    return End(code=code if code > 0 else LOST_CODE, text=text)


def _meeting_point() -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}


@contextmanager
def _passed_on(started: Sequence[_Started]) -> Iterator[None]:
    """Pass signals on: the processes have sessions of their own, out of reach of Ctrl-C.

    Only the main thread of a process hears signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def pass_on(number: int, frame: FrameType | None) -> None:
        for one in started:
            one.send(number)

    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
