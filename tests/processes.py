"""Processes that work together, as torchrun would start them; the tests of a module share them."""

import os
import pickle
import socket
from contextlib import contextmanager

LIMIT_S = 120


class Team:
    """Calls a function in each process at once."""

    def __init__(self, context, size):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._ours, self._processes = [], []
        for rank in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, rank, size, port), daemon=True)
            process.start()
            theirs.close()
            self._ours.append(ours)
            self._processes.append(process)

    def __call__(self, work, *arguments):
        """What `work(*arguments)` returns, or raises, in each process."""
        # As bytes: tensors would lie in memory that all processes share, and write into.
        for ours in self._ours:
            ours.send_bytes(pickle.dumps((work, arguments)))
        answers = []
        for ours in self._ours:
            assert ours.poll(LIMIT_S), "a process hangs"
            answers.append(pickle.loads(ours.recv_bytes()))
        return answers

    def end(self):
        for ours in self._ours:
            ours.close()
        for process in self._processes:
            process.join(10)
            process.kill()


@contextmanager
def team(context, size):
    started = Team(context, size)
    try:
        yield started
    finally:
        started.end()


def _serve(connection, rank, size, port):
    import torch

    from attnbench.together import Place, joined

    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    with joined(Place(rank=rank, size=size), "cpu"):
        while True:
            try:
                work, arguments = pickle.loads(connection.recv_bytes())
            except EOFError:
                return
            try:
                answer = work(*arguments)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                answer = error
            connection.send_bytes(pickle.dumps(answer))
