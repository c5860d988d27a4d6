"""Functions that the tests run in an isolated process, which imports this module."""

import os
import signal
import time

from attnbench.isolation.failure import WorkLostError
from attnbench.isolation.inside import match_parent


def dies(connection):
    os.write(2, b"assertion failed in somebody's kernel\n")
    os.kill(os.getpid(), signal.SIGSEGV)


def reports_a_loss(connection):
    connection.send(WorkLostError("unsupported", "no such thing"))


def hangs(connection):
    connection.send("ready")
    time.sleep(3600)


def hangs_up_and_lives(connection):
    connection.close()
    time.sleep(3600)


def prints_and_echoes(connection):
    os.write(1, b"a line that belongs in no terminal\n")
    connection.send("ready")
    connection.send(connection.recv())


def ignores_ctrl_c(connection):
    """Tells whether a Ctrl-C of the terminal could reach this process."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    own_session = os.getsid(0) == os.getpid()
    connection.send(ignored or own_session)


def tells_threads_of(connection):
    import torch

    match_parent(3, ())
    connection.send(torch.get_num_threads())


def loads_torch(connection):
    import sys

    connection.send("torch" in sys.modules)
