"""What a process does to itself before it works for its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from attnbench.isolation.answers import JobConnection
from attnbench.isolation.family import end_family, own_mark
from attnbench.isolation.forked import fork

Watched = Connection | JobConnection | int


def end_with(parent: Watched) -> None:
    """End with the parent, however it ended, with all that this process has started.

    A small copy of this process watches, so that work that hangs in a library cannot hold it up.

    Args:
        parent: what becomes ready at its end: its sentinel, or a connection over which it sends
            nothing more.
    """
    if sys.platform == "win32":
        threading.Thread(target=_end_once_ready, args=(parent, os.getpid()), daemon=True).start()
        return
    leader = os.getpid()
    with suppress(OSError):  # no room for a second process
        if fork() == 0:
            _be_the_guard(parent if isinstance(parent, int) else parent.fileno(), leader)


def _be_the_guard(parent: int, leader: int) -> None:
    """Hold nothing open but what tells of the parent's end, and wait for it."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.closerange(0, parent)
        os.closerange(parent + 1, _most_files())
        _end_once_ready(parent, leader)
    finally:
        os._exit(1)


def _end_once_ready(parent: Watched, leader: int) -> None:
    wait([parent])  # type: ignore[list-item] # whatever has a file number
    end_family(leader, own_mark())
    os._exit(1)


def _most_files() -> int:
    """One more than the largest number that an open file may have here."""
    limit = os.sysconf("SC_OPEN_MAX")
    return limit if 0 < limit < 1 << 16 else 1 << 16


def match_parent(threads: int, plugins: Sequence[str], *, chosen: bool = False) -> None:
    """Use as many threads as the parent does, and load its plug-ins.

    Args:
        threads: of the parent.
        plugins: what `--plugin` named.
        chosen: whether the parent was told that number. If not, torch is told none here either,
            unless its own differs, since even the same number changes how MKL divides its work.

    Raises:
        UserError: a plug-in cannot be loaded.
    """
    import torch

    from attnbench.registry import load_plugin

    if chosen or torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    for source in plugins:
        load_plugin(source)
