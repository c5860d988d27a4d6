"""What a process does to itself before it works for its parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait

from attnbench.isolation.process import Watched


def end_with(parent: Watched) -> None:
    """End with the parent, however it ended, even in the middle of work that hangs.

    Args:
        parent: what becomes ready at its end: its sentinel, or a connection over which it sends
            nothing more.
    """
    threading.Thread(target=_end_once_ready, args=(parent,), daemon=True).start()


def _end_once_ready(parent: Watched) -> None:
    wait([parent])
    os._exit(1)


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
