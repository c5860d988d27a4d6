"""Energy counters: which one is read, overflow, and the reason if there is none."""

import sys
from pathlib import Path

import pytest
import torch

from attnbench.profiling.energy import meters
from attnbench.profiling.energy.meters import MeterError, NvmlMeter, RaplMeter, meter_for

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def domain(powercap, folder, name, energy_uj, turn_uj=1_000_000):
    path = powercap / folder
    path.mkdir()
    (path / "name").write_text(f"{name}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    (path / "max_energy_range_uj").write_text(f"{turn_uj}\n")
    return path / "energy_uj"


def test_packages_alone_are_read(tmp_path):
    domain(tmp_path, "intel-rapl:0", "package-0", 10)
    domain(tmp_path, "intel-rapl:0:0", "core", 999)
    domain(tmp_path, "intel-rapl:0:1", "dram", 999)
    domain(tmp_path, "intel-rapl:1", "package-1", 20)
    domain(tmp_path, "intel-rapl:2", "psys", 999)
    domain(tmp_path, "intel-rapl-mmio:0", "package-0", 999)  # the first package once more
    assert RaplMeter(tmp_path).read() == (10, 20)


def test_energy_is_the_sum_over_packages_and_survives_the_turn_of_a_counter(tmp_path):
    first = domain(tmp_path, "intel-rapl:0", "package-0", 100, turn_uj=1_000_000)
    second = domain(tmp_path, "intel-rapl:1", "package-1", 1_999_900, turn_uj=2_000_000)
    meter = RaplMeter(tmp_path)
    before = meter.read()
    first.write_text("300100\n")
    second.write_text("499900\n")  # 100 to the end of its range, and then 499,900 more
    assert meter.joules(before, meter.read()) == pytest.approx(0.3 + 0.5)


def test_a_kernel_without_counters_has_a_reason(tmp_path):
    domain(tmp_path, "intel-rapl:0", "psys", 10)
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(MeterError, match="the kernel has no RAPL counter"):
            RaplMeter(folder)


def test_a_counter_for_root_alone_has_a_reason(tmp_path, monkeypatch):
    domain(tmp_path, "intel-rapl:0", "package-0", 10)
    read_text = Path.read_text

    def refuse(path, *arguments, **options):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(MeterError, match=r"0/energy_uj is not readable \(needs root since 2020\)"):
        RaplMeter(tmp_path).read()


def test_a_counter_that_fails_has_a_reason(tmp_path):
    energy = domain(tmp_path, "intel-rapl:0", "package-0", 10)
    meter = RaplMeter(tmp_path)
    energy.unlink()
    with pytest.raises(MeterError, match="energy_uj cannot be read: No such file"):
        meter.read()


def test_a_gpu_counts_millijoules(nvml):
    meter = NvmlMeter(CUDA, nvml)
    before = meter.read()
    nvml.energy_mj += 2_500
    assert meter.joules(before, meter.read()) == 2.5


def test_a_gpu_that_counts_no_energy_has_a_reason(nvml):
    nvml.nvmlDeviceGetTotalEnergyConsumption = nvml.fail
    with pytest.raises(MeterError, match="no energy counter can be read: Not Supported"):
        NvmlMeter(CUDA, nvml).read()


def test_a_gpu_without_nvml_has_a_reason(nvml):
    nvml.nvmlInit = nvml.fail
    with pytest.raises(MeterError, match="NVML cannot be opened"):
        NvmlMeter(CUDA, nvml)


def test_the_device_decides_on_the_meter(nvml, monkeypatch, tmp_path):
    domain(tmp_path, "intel-rapl:0", "package-0", 10)
    monkeypatch.setattr(meters, "POWERCAP", tmp_path)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert (meter_for(CPU).name, meter_for(CUDA).name) == ("rapl", "nvml")
