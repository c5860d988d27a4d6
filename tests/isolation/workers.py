"""Functions that the tests run in an isolated process, which imports this module."""

import os
import re
import signal
import subprocess
import sys
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


SLEEPS = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def _start_family():
    """Process ids of a child, one in a session of its own, and one that outlives its parent."""
    child = [sys.executable, "-c", SLEEPS]
    orphan = f"import subprocess; print(subprocess.Popen({child!r}, stdout=-3).pid)"
    last = subprocess.run([sys.executable, "-c", orphan], stdout=subprocess.PIPE, check=True)
    plain, apart = subprocess.Popen(child), subprocess.Popen(child, start_new_session=True)
    return [os.getpid(), plain.pid, apart.pid, int(last.stdout)]


def dies_with_children(connection):
    connection.send(_start_family())
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs_with_children(connection):
    connection.send(_start_family())
    time.sleep(3600)


def holds_the_interpreter(connection):
    """Hangs in a library that lets no other thread run."""
    connection.send(_start_family())
    re.match(r"(a+)+$", "a" * 60 + "b")


def lets_a_copy_answer(connection):
    connection.begin(1)
    if os.fork() == 0:
        connection.send("the copy's")
        os._exit(0)
    connection.begin(2)
    time.sleep(3600)


def lets_a_copy_answer_late(connection):
    """The copy answers the first job when the second has come."""
    connection.recv()
    if os.fork() == 0:
        time.sleep(0.5)
        connection.send("the copy's")
    connection.send("first")
    connection.recv()
    time.sleep(1)
    connection.send("second")


def lets_a_copy_wait_for_jobs(connection):
    """The copy holds the connection when this process has died."""
    if os.fork() == 0:
        time.sleep(600)
    connection.begin(3)
    os.kill(os.getpid(), signal.SIGSEGV)


def writes_nonsense(connection):
    os.write(connection.fileno(), b"\0\0\0\3abc")
    time.sleep(600)
