"""Fixtures that build records, comparisons and operators for the doctor's tests."""

import pytest
import torch
from record_builders import memoryless

from attnbench.analysis.compare.verdict import compare_cell
from attnbench.doctor.comparisons import HALF_WAY
from attnbench.doctor.timed_operator import LAYER, TimedOperator
from attnbench.profiling.latency.timer import timer_for
from attnbench.records import Environment, Floor, LayerRecord
from attnbench.records.latency import Latency

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=1, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


def record_of(samples, rounds="", **more):
    more = {"span_s": 1.0, "stopped_by": "precision", **more}
    latency = Latency(samples_s=tuple(samples), rounds_with=rounds, **more)
    return LayerRecord(workload=LAYER, environment=CPU, created="", latency=latency)


@pytest.fixture(scope="session")
def record():
    """A record of the operator with these samples."""
    return record_of


@pytest.fixture(scope="session")
def change():
    """A comparison whose interval of the ratio is exactly this."""

    def compare(low, high):
        ratios = memoryless(low + (high - low) * i / 5 for i in range(6))
        before, after = record_of([1.0] * 6, rounds="r"), record_of(ratios, rounds="r")
        return compare_cell(before, after, HALF_WAY)

    return compare


@pytest.fixture(scope="session")
def floor():
    """A resolution floor that is relative alone."""
    return lambda relative: Floor(relative=relative, absolute_s=0.0, created="")


@pytest.fixture(scope="session")
def operator():
    """An operator on the CPU whose layer is any call."""

    def build(call):
        device = torch.device("cpu")
        return TimedOperator(
            workload=LAYER, call=call, device=device, timer=timer_for(device), environment=CPU
        )

    return build
