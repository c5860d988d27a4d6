"""A fake GPU: an object in place of NVML's bindings, and the properties that torch reports."""

from types import SimpleNamespace

import pytest
import torch

UUID = "8c2a1bd4-0000-4000-8000-00000000000a"
ADDRESS = "00000000:3B:00.0"


class FakeNvml:
    """Two GPUs, of which the one that torch uses is the second; what it tells is scripted."""

    class NVMLError(Exception):
        """As the bindings have it."""

    NVML_CLOCK_SM = 1

    def __init__(self):
        self.by_uuid = {"GPU-of-somebody-else": "first", f"GPU-{UUID}": "second"}
        self.by_address = {"00000000:18:00.0": "first", ADDRESS: "second"}
        self.looks = []
        """(clock in MHz, reasons) from now on; the last one stays."""
        self.energy_mj = 0
        self.asked = 0

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return self._get(self.by_uuid, uuid)

    def nvmlDeviceGetHandleByPciBusId(self, address):
        return self._get(self.by_address, address)

    def nvmlDeviceGetClockInfo(self, handle, clock):
        assert (handle, clock) == ("second", self.NVML_CLOCK_SM)
        self.asked += 1
        return self.looks[0][0]

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):
        assert handle == "second"
        return (self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])[1]

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        assert handle == "second"
        return self.energy_mj

    def fail(self, *arguments):
        raise self.NVMLError("Not Supported")

    def _get(self, table, key):
        if key not in table:
            raise self.NVMLError("Not Found")
        return table[key]


@pytest.fixture
def nvml(monkeypatch):
    """NVML of a machine whose second GPU is `torch.device("cuda")`."""
    properties = SimpleNamespace(uuid=UUID, pci_domain_id=0, pci_bus_id=0x3B, pci_device_id=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    return FakeNvml()
