"""The doctor names what disturbs a machine: threads, load or clocks."""

from dataclasses import replace

import pytest

from attnbench.doctor.causes import cause_of
from attnbench.records import Environment
from attnbench.records.disturbance import Contention
from attnbench.records.latency import Clocks, Latency

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


def latency(others=0.0, stolen=0.0, **more):
    contention = Contention(own_cores=1.0, other_cores=others, stolen_cores=stolen)
    return Latency(samples_s=(1.0,) * 8, stopped_by="precision", contention=contention, **more)


@pytest.mark.parametrize(
    ("others", "stolen", "threads", "cores", "cause"),
    [
        (0.0, 0.0, 2, 2, ""),
        (1.0, 0.0, 2, 2, "threads: other programs use 1.0 of 2 cores, and 2 threads wait"),
        (0.0, 1.0, 2, 2, "threads: other programs use 1.0 of 2 cores"),
        (1.0, 0.0, 1, 2, "load: other programs use 1.0 of 2 cores"),
        (1.0, 0.0, 2, 8, "load: other programs use 1.0 of 8 cores"),
        (3.9, 0.0, 8, 4, "threads: other programs use 3.9 of 4 cores, and 8 threads wait"),
    ],
)
def test_threads_that_share_a_core_are_told_from_mere_load(others, stolen, threads, cores, cause):
    found = cause_of([latency(others, stolen)], replace(CPU, threads=threads), cores)
    assert found.startswith(cause)
    assert bool(found) == bool(cause)


def test_one_busy_run_of_many_is_no_cause():
    assert cause_of([latency()] * 2 + [latency(1.0)], CPU, 2) == ""


def test_clocks_are_named_by_the_driver_or_by_the_canary():
    slow = latency(canary_s=(1e-5,) * 4 + (3e-5,) * 4)
    assert cause_of([slow], CPU, 2).startswith("clocks: the same small work took 3.0 times")
    clocks = Clocks(first_mhz=2000, last_mhz=2000, lowest_mhz=1000)
    gpu = latency(clocks=clocks)
    assert cause_of([gpu], CPU, 2).startswith("clocks: the GPU's clock dropped")
