"""Settings of the whole process that change how long work takes, or what it computes.

Those of torch are read only if it was imported.
"""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from attnbench.ambient.setting import Setting
from attnbench.ambient.torch_settings import torch_settings

VARIABLES = (
    "CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT",
    "KMP_AFFINITY", "KMP_BLOCKTIME", "MKL_DYNAMIC", "MKL_NUM_THREADS", "OMP_DYNAMIC",
    "OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS",
    "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF",
)  # fmt: skip
"""Environment variables that steer threads and allocators of processes that start later."""


class Settings:
    """The settings as they are now."""

    def __init__(self) -> None:
        self._settings = [*python_settings(), *(torch_settings() if "torch" in sys.modules else ())]
        self._values = [setting.read() for setting in self._settings]

    def put_back(self) -> list[str]:
        """Undo every change; returns a text about each."""
        texts = []
        for setting, was in zip(self._settings, self._values, strict=True):
            came = setting.read()  # in turn: one setting may bring back others
            if came != was:
                texts.append(f"changed {setting.name} from {was} to {came}")
                setting.write(was)
        return texts


def python_settings() -> Iterator[Setting]:
    """Settings of Python and of the system about this process."""
    yield Setting(name="gc.isenabled()", read=gc.isenabled, write=_set_collector)
    yield Setting(
        name="gc.get_threshold()", read=gc.get_threshold, write=lambda was: gc.set_threshold(*was)
    )
    yield Setting(
        name="sys.getswitchinterval()", read=sys.getswitchinterval, write=sys.setswitchinterval
    )
    yield Setting(name="the working folder", read=_working_folder, write=_enter)
    yield Setting(name="sys.gettrace()", read=sys.gettrace, write=sys.settrace)
    yield Setting(name="sys.getprofile()", read=sys.getprofile, write=sys.setprofile)
    yield Setting(
        name="tracemalloc.is_tracing()", read=tracemalloc.is_tracing, write=_set_tracemalloc
    )
    yield from _system_settings()
    for variable in VARIABLES:
        yield Setting(
            name=f"the environment variable {variable}",
            read=partial(os.environ.get, variable),
            write=partial(_set_variable, variable),
        )


def _system_settings() -> Iterator[Setting]:
    """Cores and priority, where the system has them."""
    if hasattr(os, "sched_getaffinity"):
        yield Setting(
            name="the cores of this process",
            read=partial(os.sched_getaffinity, 0),
            write=partial(os.sched_setaffinity, 0),
        )
    if hasattr(os, "getpriority"):
        yield Setting(
            name="the priority of this process",
            read=partial(os.getpriority, os.PRIO_PROCESS, 0),
            write=_set_priority,
        )


def _working_folder() -> str | None:
    """The folder that relative paths start from; None if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _enter(folder: str | None) -> None:
    with suppress(OSError):  # a folder that was deleted, or may not be entered again
        os.chdir(folder or "")


def _set_collector(on: bool) -> None:
    (gc.enable if on else gc.disable)()


def _set_tracemalloc(on: bool) -> None:
    (tracemalloc.start if on else tracemalloc.stop)()


def _set_variable(name: str, value: Any) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _set_priority(value: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, value)
    except PermissionError:  # only root may take a lower priority back
        return
