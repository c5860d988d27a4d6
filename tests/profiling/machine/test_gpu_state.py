"""The GPU's clocks and throttling, watched on scripted readings."""

import sys

import pytest
import torch

from attnbench.profiling.machine.gpu_state import ClockWatch
from attnbench.records.latency import Clocks

CUDA = torch.device("cuda")
IDLE, USER_CLOCKS, POWER_CAP, SLOWDOWN = 0x01, 0x02, 0x04, 0x08
SYNC_BOOST, SOFT_HEAT, HARD_HEAT, BRAKE, DISPLAY = 0x10, 0x20, 0x40, 0x80, 0x100


class Hand:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def watch_through(nvml, looks):
    """The outcome of a watch that sees these (clock in MHz, reasons), first and last included."""
    nvml.looks = list(looks)
    hand = Hand()
    watch = ClockWatch(CUDA, nvml=nvml, now=hand)
    watch.start()
    for _ in looks[1:-1]:
        hand.now += 1.0
        watch.look()
    clocks = watch.finish()
    assert nvml.asked == len(looks)
    return clocks


def test_first_last_and_lowest_are_told(nvml):
    clocks = watch_through(nvml, [(1980, 0), (1755, 0), (1200, 0), (1965, 0)])
    assert clocks == Clocks(first_mhz=1980, last_mhz=1965, lowest_mhz=1200)


@pytest.mark.parametrize(
    ("bit", "name"),
    [
        (SLOWDOWN, "hardware slowdown"),
        (SOFT_HEAT, "software thermal slowdown"),
        (HARD_HEAT, "hardware thermal slowdown"),
        (BRAKE, "hardware power brake"),
    ],
)
def test_protection_counts_even_at_a_constant_clock_and_seen_once(nvml, bit, name):
    assert watch_through(nvml, [(900, 0), (900, bit), (900, 0)]).throttled_by == (name,)


@pytest.mark.parametrize("bit", [IDLE, USER_CLOCKS, SYNC_BOOST, DISPLAY, 0x200, 0x400])
def test_choices_idling_and_unknown_bits_do_not_count(nvml, bit):
    assert watch_through(nvml, [(1980, 0), (1000, bit), (1000, bit)]).throttled_by == ()


def test_a_power_cap_that_is_the_card_s_steady_state_does_not_count(nvml):
    capped = [(1410, POWER_CAP), (1395, POWER_CAP), (1425, POWER_CAP), (1410, POWER_CAP)]
    assert watch_through(nvml, capped).throttled_by == ()


def test_a_power_cap_that_set_in_meanwhile_counts(nvml):
    looks = [(1980, 0), (1980, 0), (1400, POWER_CAP), (1400, POWER_CAP)]
    assert watch_through(nvml, looks).throttled_by == ("software power cap",)


def test_a_fall_before_the_power_cap_is_not_laid_to_it(nvml):
    looks = [(1980, 0), (1400, HARD_HEAT), (1980, POWER_CAP), (1980, 0)]
    assert watch_through(nvml, looks).throttled_by == ("hardware thermal slowdown",)


def test_several_reasons_are_named_once_each_in_a_fixed_order(nvml):
    looks = [(1980, BRAKE), (1000, SOFT_HEAT | SLOWDOWN), (1000, SOFT_HEAT | POWER_CAP)]
    assert watch_through(nvml, looks).throttled_by == (
        "software power cap",
        "hardware slowdown",
        "software thermal slowdown",
        "hardware power brake",
    )


def test_looks_cost_nothing_between_their_turns(nvml):
    nvml.looks = [(1980, 0)]
    hand = Hand()
    watch = ClockWatch(CUDA, nvml=nvml, now=hand)
    watch.start()
    for _ in range(1000):
        hand.now += 0.001
        watch.look()
    assert 18 <= nvml.asked <= 21  # one second, a look every 50 ms


def test_a_watch_that_starts_again_forgets(nvml):
    nvml.looks = [(100, HARD_HEAT), (1980, 0)]
    watch = ClockWatch(CUDA, nvml=nvml)
    watch.start()
    watch.start()
    assert watch.finish() == Clocks(first_mhz=1980, last_mhz=1980, lowest_mhz=1980)


def test_a_gpu_that_falls_silent_costs_the_clocks_and_nothing_else(nvml):
    nvml.looks = [(1980, 0)]
    hand = Hand()
    watch = ClockWatch(CUDA, nvml=nvml, now=hand)
    watch.start()
    nvml.nvmlDeviceGetClockInfo = nvml.fail
    hand.now += 1.0
    watch.look()
    watch.look()
    assert watch.finish() is None
    assert watch.why_unavailable() == "no clock can be read: Not Supported"


def test_without_the_bindings_there_is_a_reason_and_no_clock(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    watch = ClockWatch(CUDA)
    watch.start()
    watch.look()
    assert watch.finish() is None
    assert "nvidia-ml-py is not installed" in watch.why_unavailable()


def test_the_cpu_has_nothing_to_watch_and_nothing_to_explain():
    watch = ClockWatch(torch.device("cpu"))
    watch.start()
    watch.look()
    assert (watch.finish(), watch.why_unavailable()) == (None, None)


@pytest.mark.gpu
def test_a_real_gpu_is_watched():
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    watch = ClockWatch(CUDA)
    watch.start()
    clocks = watch.finish()
    assert watch.why_unavailable() is None
    assert 0 < clocks.lowest_mhz <= min(clocks.first_mhz, clocks.last_mhz)
