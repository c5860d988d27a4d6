"""Functions that the tests build and call in a fresh process, importable for pickling."""

import ctypes
import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import torch

from attnbench.profiling.memory.resident import measure_resident

MIB = 2**20


def nothing():
    return lambda: None


def touch(mib):
    return torch.ones(mib * MIB, dtype=torch.int8)


def frees(mib):
    def call():
        touch(mib)

    return call


def holds_from_the_start(mib):
    parameters = touch(mib)
    return lambda: parameters


def past_torch(mib):
    """As a library's scratch memory: zeros that are touched, from no allocator of torch."""

    def call():
        scratch = (ctypes.c_char * (mib * MIB))()
        ctypes.memset(scratch, 1, mib * MIB)

    return call


def in_another_thread(mib):
    def call():
        thread = threading.Thread(target=touch, args=(mib,))
        thread.start()
        thread.join()

    return call


def imports_much():
    import pandas

    return lambda: pandas


def only_where_there_is_memory(mib):
    """A build that the meta device cannot do."""
    return holds_from_the_start(mib) if torch.ones(1).item() else None


def attention(name):
    from attnbench.registry import ATTENTIONS

    return ATTENTIONS.load(name)()


def tells_threads():
    raise RuntimeError(f"{torch.get_num_threads()} threads")


def raises():
    raise RuntimeError("no kernel for this\nand more")


def asks_for_too_much():
    return lambda: torch.empty(2**50, device="cpu")


def prints():
    return lambda: os.write(1, b"a line that belongs in no terminal\n")


def measures_itself(connection):
    """What a daemon of `multiprocessing` runs, as the worker of a sweep is one."""
    connection.send(measure_resident(nothing))


def measures_what_hangs(pid_file):
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - it ends with a traceback
    signal.signal(signal.SIGINT, signal.default_int_handler)
    measure_resident(partial(hangs, pid_file))


def hangs(pid_file):
    def call():
        Path(pid_file).write_text(str(os.getpid()))
        time.sleep(3600)

    return call
