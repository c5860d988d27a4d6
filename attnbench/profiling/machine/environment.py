"""Reads the conditions of a number: the machine and the software."""

from __future__ import annotations

import platform
import socket
import sys
from functools import cache
from pathlib import Path

import torch

from attnbench import __version__
from attnbench.cores import pinned_cores
from attnbench.errors import UserError
from attnbench.profiling.machine.allocator import allocator_settings
from attnbench.records import Environment
from attnbench.spec.device import known_device
from attnbench.waiting import wait_policy


def choose_device(name: str) -> torch.device:
    """`auto` is the GPU if there is one; `cuda` where there is none is refused."""
    device = device_named(name)
    missing = missing_device(device)
    if missing:
        raise UserError(missing)
    return device


def device_named(name: str) -> torch.device:
    """The device of that name, whether it exists or not; `auto` is the GPU if there is one."""
    if known_device(name) == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def missing_device(device: torch.device) -> str | None:
    """Why nothing can run on that device here, or None if it can."""
    if device.type == "cuda" and not torch.cuda.is_available():
        return (
            f"--device {device}: torch {torch.__version__} sees no CUDA GPU here; use --device cpu"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        last = f"cuda:{count - 1}"
        return f"--device {device}: the last of {count} GPUs here is {last}, the first cuda:0"
    return None


def place_of(device: torch.device) -> tuple[str, str]:
    """The name of this machine, and the identity of a GPU among all GPUs; "" for a CPU."""
    cuda = device.type == "cuda"
    gpu = f"GPU-{torch.cuda.get_device_properties(device).uuid}" if cuda else ""
    return socket.gethostname(), gpu


def describe_environment(device: torch.device, code: str = "") -> Environment:
    """The conditions at this moment; `code` is the hash of the code to be measured."""
    cuda, threads = device.type == "cuda", torch.get_num_threads()
    return Environment(
        device="cuda" if cuda else "cpu",
        device_name=torch.cuda.get_device_name(device) if cuda else processor_name(),
        threads=threads,
        torch=torch.__version__,
        cuda=(torch.version.cuda or "") if cuda else "",
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        attnbench=__version__,
        float32_matmul=torch.get_float32_matmul_precision(),
        code=code,
        wait_policy="" if cuda or threads == 1 else wait_policy(),
        pinned=pinned_cores(),
        allocator=allocator_settings(device),
    )


@cache
def processor_name() -> str:
    """The maker's name of the processor; Linux has it in a file, other systems tell less."""
    cpuinfo = Path("/proc/cpuinfo")
    if sys.platform == "linux" and cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
