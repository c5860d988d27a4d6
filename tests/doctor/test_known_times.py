"""The doctor's known times pass with a correct clock and fail with a wrong one."""

import pytest
import torch

from attnbench.doctor import known_times as known
from attnbench.doctor.known_times import check_clock
from attnbench.doctor.timed_operator import LAYER, TimedOperator, choose_operator
from attnbench.records.latency import Latency


def operator(device="cpu"):
    return TimedOperator(
        workload=LAYER, call=lambda: None, device=torch.device(device), timer=None, environment=None
    )


@pytest.fixture
def scripted(monkeypatch):
    """Calls each one as often as it has samples, and says that it took a time of its own."""

    def script(time_of):
        def measure(calls, protocol, timer, *, rounds_with):
            for call in calls.values():
                for _ in range(8):  # two for the warm-up
                    call()
            return {
                name: Latency(samples_s=(time_of(name),) * 6, stopped_by="precision")
                for name in calls
            }

        monkeypatch.setattr(known, "measure_latencies", measure)

    return script


WAITS = {(5e-3, 50e-3): "passed", (5.04e-3, 50e-3): "passed", (5.06e-3, 50e-3): "failed",
         (5e-3, 49e-3): "failed", (5.0, 50.0): "failed"}  # fmt: skip


@pytest.mark.parametrize("came", WAITS)
def test_busy_waits(scripted, monkeypatch, came):
    clock = [0.0]

    def spin(seconds):
        clock[0] += seconds

    monkeypatch.setattr(known, "spin", spin)
    monkeypatch.setattr(known, "perf_counter", lambda: clock[0])
    scripted(dict(zip(known.WAITS_S, came, strict=True)).get)
    found = check_clock(operator())
    assert found.outcome == WAITS[came]
    assert "busy waits of 5.00 ms and 50.0 ms were measured as" in found.text


def test_a_wait_that_is_disturbed_knows_what_it_took(scripted, monkeypatch):
    clock = [0.0]

    def disturbed_spin(seconds):
        clock[0] += 2 * seconds

    monkeypatch.setattr(known, "spin", disturbed_spin)
    monkeypatch.setattr(known, "perf_counter", lambda: clock[0])
    scripted(lambda seconds: 2 * seconds)
    assert check_clock(operator()).outcome == "passed"


CHAINS = {  # factors of the chain and of the one twice as long, the host's clock, outcome
    "right": (1, 1, 1, "passed"),
    "a start that is paid once": (1.05, 1, 1, "failed"),
    "a clock that saw a part": (1, 0.5, 1, "failed"),
    "another unit": (1, 1, 1000, "failed"),
}


@pytest.mark.parametrize("case", CHAINS)
def test_chains_of_kernels(scripted, monkeypatch, case):
    short, long, host, outcome = CHAINS[case]
    factors = {known.CHAIN: short, 2 * known.CHAIN: long}
    scripted(lambda times: times * 1e-4 * factors[times])
    monkeypatch.setattr(known, "_host_s", lambda call, device: 2 * known.CHAIN * 1e-4 * host)
    found = check_clock(operator("cuda"))
    assert found.outcome == outcome
    assert "by the host's clock" in found.text


@pytest.mark.gpu
def test_the_device_s_clock_is_right():
    assert check_clock(choose_operator(torch.device("cuda"))).outcome == "passed"
