"""NVML queries the right GPU, and every failure becomes a reason."""

import sys

import pytest
import torch

from attnbench.profiling.machine.nvml import Gpu, NvmlError

CUDA = torch.device("cuda")


def test_the_gpu_is_found_by_its_uuid_whatever_its_number(nvml):
    nvml.by_address.clear()
    nvml.looks = [(1980, 4)]
    gpu = Gpu(CUDA, nvml)  # the fake refuses to tell of any but the second
    assert (gpu.sm_clock_mhz(), gpu.clock_reasons()) == (1980, 4)


def test_a_uuid_with_its_prefix_is_the_same(nvml, monkeypatch):
    properties = torch.cuda.get_device_properties(CUDA)
    properties.uuid = f"GPU-{properties.uuid}"
    nvml.by_address.clear()
    assert Gpu(CUDA, nvml).energy_mj() == 0


def test_a_slice_of_a_gpu_is_found_by_the_address_of_the_whole(nvml):
    nvml.by_uuid.clear()
    nvml.energy_mj = 12_345
    assert Gpu(CUDA, nvml).energy_mj() == 12_345


def test_a_gpu_that_nvml_does_not_know_is_named_both_ways(nvml):
    nvml.by_uuid.clear()
    nvml.by_address.clear()
    with pytest.raises(NvmlError, match=r"neither GPU-8c2a.* nor a GPU at 00000000:3B:00.0"):
        Gpu(CUDA, nvml)


def test_older_bindings_and_drivers_tell_the_reasons_by_their_old_name(nvml):
    nvml.nvmlDeviceGetCurrentClocksThrottleReasons = lambda handle: 0x40
    nvml.nvmlDeviceGetCurrentClocksEventReasons = nvml.fail
    assert Gpu(CUDA, nvml).clock_reasons() == 0x40


@pytest.mark.parametrize(
    ("function", "question"),
    [
        ("nvmlDeviceGetClockInfo", Gpu.sm_clock_mhz),
        ("nvmlDeviceGetCurrentClocksEventReasons", Gpu.clock_reasons),
        ("nvmlDeviceGetTotalEnergyConsumption", Gpu.energy_mj),
    ],
)
def test_what_a_gpu_does_not_support_is_a_reason(nvml, function, question):
    setattr(nvml, function, nvml.fail)
    gpu = Gpu(CUDA, nvml)
    with pytest.raises(NvmlError, match=r"can be read: "):
        question(gpu)


def test_a_machine_without_the_driver_s_library_has_a_reason(nvml):
    nvml.nvmlInit = nvml.fail
    with pytest.raises(NvmlError, match="NVML cannot be opened: Not Supported"):
        Gpu(CUDA, nvml)


def test_missing_bindings_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NvmlError, match="pip install nvidia-ml-py"):
        Gpu(CUDA)


@pytest.mark.gpu
def test_a_real_gpu_tells_its_clock():
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    gpu = Gpu(CUDA)
    assert 0 < gpu.sm_clock_mhz() < 10_000
    assert gpu.clock_reasons() >= 0
