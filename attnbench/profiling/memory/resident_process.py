"""The other side of `resident`: what the fresh process does, from its start to its one answer."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress

import torch
from torch.nn import functional as F

from attnbench.isolation.answers import JobConnection
from attnbench.isolation.failure import WorkLostError, failure
from attnbench.isolation.inside import end_with, match_parent
from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.high_water import Resident, high_water_of


def serve(connection: JobConnection) -> None:
    """Do the one job that comes over a connection: say "ready", then answer a `Resident`."""
    plugins, threads, pickled = connection.recv()
    end_with(connection)
    try:
        match_parent(threads, plugins)
        build = pickle.loads(pickled)
        _warm_up()
        connection.send("ready")
        connection.send(_measure(build))
    except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything
        connection.send(WorkLostError(*failure(error)))


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
    """Build on the meta device, which takes no memory, for what is imported on the way.

    A build that fails there has done its imports, and is measured all the same.
    """
    with suppress(Exception), torch.device("meta"):
        build()
