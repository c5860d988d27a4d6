"""The other side of `resident`: what the fresh process does, from its start to its one answer."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

import torch
from torch.nn import functional as F

from attnbench.errors import UserError
from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.high_water import Resident, high_water_of
from attnbench.records import Status
from attnbench.registry import load_plugin


def serve(descriptor: int) -> None:
    """Do the job that comes over a connection: say that all is ready, then how large it grew."""
    connection = Connection(descriptor)
    plugins, threads, pickled = connection.recv()
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    try:
        build = _get_ready(plugins, threads, pickled)
        connection.send(("ok", "ready"))
        connection.send(("ok", _measure(build)))
    except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything
        connection.send(_failure(error))


def _get_ready(plugins: Sequence[str], threads: int, pickled: bytes) -> Callable[[], Call]:
    if torch.get_num_threads() != threads:  # setting even the same number would change MKL's ways
        torch.set_num_threads(threads)
    for source in plugins:
        load_plugin(source)
    build = pickle.loads(pickled)
    _warm_up()
    return build


def _measure(build: Callable[[], Call]) -> Resident:
    _rehearse(build)

    def build_and_call() -> Call:
        call = build()
        call()
        return call

    return high_water_of(build_and_call)


@torch.inference_mode()
def _warm_up() -> None:
    """Small operators, by which the libraries load their code and start their threads."""
    x = torch.ones(1, 3, 64, 64)
    F.scaled_dot_product_attention(x, x, x)
    F.conv2d(x, torch.ones(3, 3, 3, 3))
    (x @ x).softmax(-1)


def _rehearse(build: Callable[[], Call]) -> None:
    """Build without memory, for the sake of what is imported on the way.

    What cannot be built there fails after its imports, and that is not held against it.
    """
    with suppress(Exception), torch.device("meta"):
        build()


def _failure(error: Exception) -> tuple[Status, str]:
    """Status and reason of what was raised; lack of memory is told from every other failure."""
    if isinstance(error, UserError):
        return "unsupported", str(error)
    text = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {text[0] if text else 'no message'}"
    no_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        "DefaultCPUAllocator" in reason
    )
    return ("out_of_memory" if no_memory else "failed"), reason


def _end_with_parent(connection: Connection) -> None:
    """End with the parent, however it ended: it sends nothing more, so what shows is its end."""
    connection.poll(None)
    os._exit(1)
