"""A GPU as its driver's management library (NVML) reports it: clock, clock limits, energy.

NVML numbers all GPUs of the machine, CUDA only those in `CUDA_VISIBLE_DEVICES`, in another order.
The two are matched by UUID, or else by the address on the bus. The address finds the whole GPU
behind a slice of it (MIG); the sensors belong to the whole.

The bindings are the package `nvidia-ml-py`, module `pynvml`. They are optional, and imported only
here. Tests pass an object of their own as `nvml`.
"""

from __future__ import annotations

from typing import Any

import torch


class NvmlError(Exception):
    """NVML cannot be read; the message is a reason for people."""


class Gpu:
    """One GPU, read through NVML; every method may raise `NvmlError`."""

    def __init__(self, device: torch.device, nvml: Any = None) -> None:
        """Open NVML and find the GPU behind a CUDA device.

        Raises:
            NvmlError: bindings or library are missing, or do not know this GPU.
        """
        self._nvml = nvml if nvml is not None else _bindings()
        self._ask("NVML cannot be opened", "nvmlInit")
        self._handle = self._find(torch.cuda.get_device_properties(device))

    def sm_clock_mhz(self) -> int:
        """Clock of the multiprocessors, in MHz."""
        clock = self._nvml.NVML_CLOCK_SM
        return self._ask("no clock can be read", "nvmlDeviceGetClockInfo", self._handle, clock)

    def clock_reasons(self) -> int:
        """Bit mask of what limits the clock; older drivers have it under an older name."""
        what_failed = "no reasons of the clock can be read"
        try:
            return self._ask(what_failed, "nvmlDeviceGetCurrentClocksEventReasons", self._handle)
        except NvmlError:
            return self._ask(what_failed, "nvmlDeviceGetCurrentClocksThrottleReasons", self._handle)

    def energy_mj(self) -> int:
        """Energy in millijoules since the driver was loaded; GPUs before Volta have no counter."""
        what_failed = "no energy counter can be read"
        return self._ask(what_failed, "nvmlDeviceGetTotalEnergyConsumption", self._handle)

    def _find(self, properties: Any) -> Any:
        uuid = f"GPU-{str(properties.uuid).removeprefix('GPU-')}"
        address = (
            f"{properties.pci_domain_id:08X}:{properties.pci_bus_id:02X}:"
            f"{properties.pci_device_id:02X}.0"
        )
        what_failed = f"NVML knows neither {uuid} nor a GPU at {address}"
        try:
            return self._ask(what_failed, "nvmlDeviceGetHandleByUUID", uuid)
        except NvmlError:
            return self._ask(what_failed, "nvmlDeviceGetHandleByPciBusId", address)

    def _ask(self, what_failed: str, function: str, *arguments: Any) -> Any:
        """The answer of a function, which older bindings may lack."""
        try:
            return getattr(self._nvml, function)(*arguments)
        except (self._nvml.NVMLError, AttributeError) as error:
            raise NvmlError(f"{what_failed}: {error}") from error


def _bindings() -> Any:
    try:
        import pynvml
    except ImportError:
        raise NvmlError(
            "the package nvidia-ml-py is not installed (`pip install nvidia-ml-py` adds it)"
        ) from None
    return pynvml
