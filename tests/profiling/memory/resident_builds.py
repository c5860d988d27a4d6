"""Functions that the tests build and call in a fresh process, importable for pickling."""

import ctypes
import os
import signal
import threading
import time
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
    import sklearn.linear_model

    return lambda: (pandas, sklearn)


def only_where_there_is_memory(mib):
    """A build that the meta device cannot do."""
    return holds_from_the_start(mib) if torch.ones(1).item() else None


def attention(name):
    from attnbench.registry import ATTENTIONS

    return ATTENTIONS.load(name)()


def tells_threads():
    raise RuntimeError(f"{torch.get_num_threads()} threads")


def tells_session():
    raise RuntimeError(f"session {os.getsid(0)}, process {os.getpid()}")


def raises():
    raise RuntimeError("no kernel for this\nand more")


def is_killed():
    return lambda: os.kill(os.getpid(), signal.SIGKILL)


def crashes():
    def call():
        os.write(2, b"assertion failed in somebody's kernel\n")
        ctypes.string_at(0)

    return call


def exits():
    return lambda: os._exit(3)


def asks_for_too_much():
    return lambda: torch.empty(2**50, device="cpu")


def prints():
    return lambda: os.write(1, b"a line that belongs in no terminal\n")


def measures_itself(connection):
    """What a daemon of `multiprocessing` runs, as the worker of a sweep is one."""
    connection.send(measure_resident(nothing))


def hangs(pid_file):
    def call():
        Path(pid_file).write_text(str(os.getpid()))
        time.sleep(3600)

    return call
