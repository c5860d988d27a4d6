"""Energy on scripted machines, where every call takes a known time at a known power."""

import pytest
import torch

from attnbench.profiling.energy import meters
from attnbench.profiling.energy.meters import MeterError
from attnbench.profiling.energy.windows import measure_energy

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
POWER_W = 200.0


class Machine:
    """Draws 200 W at work; its counter is refreshed in steps, its calls may queue up."""

    name = "rapl"

    def __init__(self, call_s, refreshed_every_s=0.0, queues=False):
        self.call_s = call_s
        self.refreshed_every_s = refreshed_every_s
        self.queues = queues
        self.time = 0.0
        self.queued_s = 0.0
        self.longest_queue_s = 0.0

    def now(self):
        self.time += 1e-9  # time passes, and a span is never of length zero
        return self.time

    def call(self):
        if self.queues:
            self.time += 1e-6  # the host's share
            self.queued_s += self.call_s
        else:
            self.time += self.call_s

    def synchronize(self, device=None):
        self.longest_queue_s = max(self.longest_queue_s, self.queued_s)
        self.time += self.queued_s
        self.queued_s = 0.0

    def read(self):
        step = self.refreshed_every_s
        seen = self.time // step * step if step else self.time
        return (round(seen * POWER_W * 1e6),)

    def joules(self, before, after):
        return (after[0] - before[0]) / 1e6


def measure(machine, device=CPU, **options):
    return measure_energy(machine.call, device, meter=machine, now=machine.now, **options)


@pytest.mark.parametrize("call_s", [1e-4, 0.013, 0.7, 9.0])
def test_joules_are_power_times_time_whatever_a_call_takes(call_s):
    energy = measure(Machine(call_s))
    assert (energy.status, energy.meter, energy.window_s) == ("ok", "rapl", 2.0)
    assert energy.windows_j == pytest.approx([POWER_W * call_s] * 3, rel=1e-4)
    assert energy.per_call_j == pytest.approx(POWER_W * call_s, rel=1e-4)


def test_a_meter_that_is_refreshed_seldom_errs_by_a_refreshing_a_window_at_most():
    energy = measure(Machine(0.013, refreshed_every_s=0.1), windows=20)
    for joules in energy.windows_j:
        assert joules == pytest.approx(POWER_W * 0.013, rel=0.1 / 2.0)


def test_calls_that_queue_up_on_a_gpu_are_awaited(monkeypatch):
    machine = Machine(0.01, queues=True)
    monkeypatch.setattr(torch.cuda, "synchronize", machine.synchronize)
    energy = measure(machine, CUDA)
    assert energy.per_call_j == pytest.approx(POWER_W * 0.01, rel=1e-3)
    assert machine.queued_s == 0
    assert machine.longest_queue_s <= 0.06  # a window is not overrun by a queue of seconds
    assert machine.time < 0.5 + 3 * 2.1


def test_windows_are_as_many_and_as_long_as_asked_for():
    machine, told = Machine(0.01), []
    energy = measure(machine, window_s=5, windows=2, on_window=told.append)
    assert (len(energy.windows_j), energy.window_s, told) == (2, 5.0, [1, 2])
    assert 10 <= machine.time < 10.7


def test_twice_the_work_is_twice_the_energy():
    once, twice = measure(Machine(0.02)), measure(Machine(0.04))
    assert twice.per_call_j == pytest.approx(2 * once.per_call_j, rel=1e-4)


def test_a_counter_that_stands_still_is_no_meter():
    machine = Machine(0.01, refreshed_every_s=1e9)
    energy = measure(machine)
    assert energy.status == "unsupported"
    assert "moved by 0 J" in energy.reason
    assert energy.windows_j == ()


def test_a_meter_that_fails_meanwhile_has_a_reason():
    machine = Machine(0.01)

    def read_once():
        machine.read = fail
        return (0,)

    def fail():
        raise MeterError("the GPU is gone")

    machine.read = read_once
    energy = measure(machine)
    assert (energy.status, energy.reason) == ("unsupported", "the GPU is gone")
    assert energy.per_call_j is None


def test_a_machine_without_a_meter_has_a_reason_and_wastes_no_time(tmp_path, monkeypatch):
    monkeypatch.setattr(meters, "POWERCAP", tmp_path)
    calls = []
    energy = measure_energy(lambda: calls.append(1), CPU)
    assert energy.status == "unsupported"
    assert "no RAPL counter" in energy.reason
    assert calls == []


def test_what_the_call_raises_is_no_failure_of_the_meter():
    machine = Machine(0.01)

    def call():
        raise RuntimeError("no kernel for this")

    with pytest.raises(RuntimeError, match="no kernel for this"):
        measure_energy(call, CPU, meter=machine, now=machine.now)


@pytest.mark.gpu
@pytest.mark.slow
def test_a_real_gpu_draws_a_plausible_power():
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    x = torch.randn(4096, 4096, device="cuda")
    energy = measure_energy(lambda: x @ x, CUDA)
    assert energy.status == "ok" or "energy counter" in energy.reason
    if energy.status == "ok":
        assert max(energy.windows_j) < 2 * min(energy.windows_j)
