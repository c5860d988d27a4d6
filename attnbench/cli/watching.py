"""`report --watch`: write again whenever results files have grown or changed, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from attnbench.clocks import monotonic, sleep
from attnbench.errors import UserError

POLL_S = 1.0
"""Seconds between two looks at the files."""
REST = 9.0
"""After writing, times as long: a sweep on the same machine keeps nine tenths of a core."""

State = dict[Path, tuple[int, int]]
"""Bytes and time of change of each file."""


def watch(write: Callable[[], None], paths: Sequence[Path], say: Callable[[str], None]) -> None:
    """Call `write` at once, and after each change of the results files, until Ctrl-C.

    Args:
        write: reads the files and writes from them.
        paths: files and folders.
        say: told why writing again was not possible; the next change is waited for.

    Raises:
        UserError: the first writing is refused.
    """
    with suppress(KeyboardInterrupt):
        seen = _state_of(paths)  # before reading, so that what is appended meanwhile is a change
        began = monotonic()
        write()
        while True:
            sleep(REST * (monotonic() - began))
            while (state := _state_of(paths)) == seen:
                sleep(POLL_S)
            seen, began = state, monotonic()
            try:
                write()
            except UserError as error:  # such as a file that was removed
                say(str(error))


def _state_of(paths: Sequence[Path]) -> State:
    from attnbench.records.reading import results_of

    found: State = {}
    for path in results_of(paths):
        with suppress(OSError):
            status = path.stat()
            found[path] = status.st_size, status.st_mtime_ns
    return found
