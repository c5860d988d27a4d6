"""Energy counters: NVML for a GPU, RAPL for the processor packages.

CUDA: the GPU's own counter, in millijoules, refreshed every 20 to 100 ms. CPU: RAPL (running
average power limit, powercap of the Linux kernel), one counter per package in microjoules,
refreshed every millisecond; on most machines memory is not included. Both count the whole device.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from attnbench.profiling.machine.nvml import Gpu, NvmlError

POWERCAP = Path("/sys/class/powercap")

Reading = tuple[int, ...]
MeterName = Literal["nvml", "rapl"]


class MeterError(Exception):
    """There is no meter, or it cannot be read; the message is a reason for people."""


class Meter(Protocol):
    """A set of energy counters; reading them may raise `MeterError`."""

    name: MeterName

    def read(self) -> Reading:
        """The state of the counters, in their own units."""
        ...

    def joules(self, before: Reading, after: Reading) -> float:
        """Energy between two readings; no counter may overflow twice between them."""
        ...


class NvmlMeter:
    """The counter of one GPU; its 64 bits do not overflow."""

    name: MeterName = "nvml"

    def __init__(self, device: torch.device, nvml: Any = None) -> None:
        """Find the GPU.

        Raises:
            MeterError: NVML is missing, or does not know the GPU.
        """
        try:
            self._gpu = Gpu(device, nvml)
        except NvmlError as error:
            raise MeterError(str(error)) from error

    def read(self) -> Reading:
        """Millijoules since the driver was loaded."""
        try:
            return (self._gpu.energy_mj(),)
        except NvmlError as error:
            raise MeterError(str(error)) from error

    def joules(self, before: Reading, after: Reading) -> float:
        """Their difference."""
        return (after[0] - before[0]) / 1e3


class RaplMeter:
    """The counters of all processor packages; at 200 W they overflow every twenty minutes."""

    name: MeterName = "rapl"

    def __init__(self, powercap: Path) -> None:
        """Find the packages; counters of cores and memory inside them are left out.

        Raises:
            MeterError: the kernel has none.
        """
        domains = sorted(powercap.glob("intel-rapl:*"))  # the name is the same on AMD
        self._packages = [d for d in domains if _content(d / "name").startswith("package-")]
        if not self._packages:
            raise MeterError(f"the kernel has no RAPL counter ({powercap}/intel-rapl:*)")
        self._ranges = [int(_content(p / "max_energy_range_uj")) for p in self._packages]

    def read(self) -> Reading:
        """Microjoules of each package."""
        return tuple(int(_content(package / "energy_uj")) for package in self._packages)

    def joules(self, before: Reading, after: Reading) -> float:
        """The sum of the differences; a counter that fell has overflowed."""
        counters = zip(before, after, self._ranges, strict=True)
        return sum((late - early) % size for early, late, size in counters) / 1e6


def meter_for(device: torch.device) -> Meter:
    """The meter of a device.

    Raises:
        MeterError: there is none, or this user may not read it.
    """
    meter = NvmlMeter(device) if device.type == "cuda" else RaplMeter(POWERCAP)
    meter.read()  # a meter that cannot be read should say so before seconds are spent
    return meter


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except PermissionError:
        raise MeterError(f"{file} is not readable (needs root since 2020)") from None
    except OSError as error:
        raise MeterError(f"{file} cannot be read: {error.strerror}") from None
