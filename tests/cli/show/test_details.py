"""The paragraph about a cell states the facts in its record, and no others."""

from dataclasses import replace

import pytest

from attnbench.cli.show.details import facts_of, print_details
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import memory_head, memory_text
from attnbench.records import Ceiling, Energy, Environment, LayerRecord, Macs, Memory
from attnbench.records.latency import Latency
from attnbench.spec import ModelWorkload, Workload

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


@pytest.fixture
def record():
    samples = tuple(1e-3 * number for number in range(1, 101))
    return LayerRecord(
        workload=Workload(attention="dense", grid=(5, 5), batch=4), environment=CPU, created="",
        latency=Latency(samples_s=samples, stopped_by="precision", span_s=1.0),
    )  # fmt: skip


def test_percentiles_throughput_and_time_per_token(record):
    assert facts_of(record) == [
        "p50 50.0 ms, p90 90.0 ms, p99 99.0 ms of 100 samples",
        "79.2 images/s at batch 4, 505 µs per token",
    ]


def test_a_model_has_no_token(record):
    model = ModelWorkload(model="vit", attention="", img_size=(8, 8), num_classes=2, batch=4)
    assert facts_of(replace(record, workload=model))[1] == "79.2 images/s at batch 4"


def test_everything_that_may_stand_behind_a_latency(record):
    latency = replace(record.latency, cache="cold", host_samples_s=(0.09,) * 100)
    memory = Memory(
        peak_net_bytes=1, peak_total_bytes=2, method="cuda allocator", reserved_net_bytes=2**21
    )
    energy = Energy(status="ok", meter="nvml", windows_j=(0.1, 0.3, 0.2), window_s=2.0)
    full = replace(record, latency=latency, memory=memory, energy=energy, first_call_s=2.0,
                   backend="flash")  # fmt: skip
    assert facts_of(full)[2:] == [
        "launched by the host in 90.0 ms (launch-bound)",
        "first call 2.00 s",
        "cold cache",
        "kernel flash",
        "2.00 MiB reserved",
        "200 mJ per call (nvml)",
    ]


def test_what_the_peak_of_memory_leaves_out(record):
    memory = Memory(peak_net_bytes=1, peak_total_bytes=None, method="cpu profiler",
                    kept_bytes=2**10, kept_more_bytes=0, outside_bytes=2**26)  # fmt: skip
    seen = replace(record, memory=memory, code_path="94 operator calls, 3f2a91bc")
    assert facts_of(seen)[2:] == [
        "1.00 KiB kept between calls",
        "64.0 MiB outside of torch's allocator",
        "code path of 94 operator calls, 3f2a91bc",
    ]
    unseen = replace(record, memory=replace(memory, kept_bytes=0, outside_bytes=None))
    assert facts_of(unseen)[2:] == ["memory outside of torch's allocator is not seen here"]
    older = Memory(peak_net_bytes=1, peak_total_bytes=None, method="cpu profiler")
    assert facts_of(replace(record, memory=older))[2:] == []


@pytest.mark.parametrize(("between", "text"), [(" ", "1 B + 1.00 KiB"), ("\n", "1 B\n1.00 KiB")])
def test_kept_memory_stands_beside_the_peak(record, between, text):
    memory = Memory(
        peak_net_bytes=1, peak_total_bytes=None, method="cpu profiler", kept_bytes=2**10
    )
    keeps = replace(record, memory=memory)
    nothing = replace(record, memory=replace(memory, kept_bytes=0))
    assert [memory_text(one, between) for one in (keeps, nothing)] == [text, "1 B"]
    assert memory_text(record) == "–"
    assert "kept" in memory_head([nothing, keeps], between)
    assert memory_head([nothing, record], between) == "memory"


def test_energy_that_could_not_be_metered_says_why(record):
    energy = Energy(status="unsupported", reason="no meter here")
    assert facts_of(replace(record, energy=energy))[-1] == "energy unsupported: no meter here"


def test_how_near_the_limit_stands_there_once_the_ceilings_are_known(record, capsys):
    console = Screen(width=200)
    print_details([record], console)
    assert "`attnbench ceilings` once" in capsys.readouterr().out
    full = replace(record, least_bytes=2**20, traffic_bytes=2**20, operators=10, macs=Macs(
        products_macs=10**9, norms_ops=0, by_operator_macs={}, uncounted=(),
    ))  # fmt: skip
    steady = Latency(samples_s=(0.05,) * 30, stopped_by="precision", span_s=1.0)
    full = replace(full, latency=steady)
    print_details([full], console, [ceiling(record, *one) for one in CEILINGS])
    out = capsys.readouterr().out
    # 50 ms for a billion MACs at 40 GMACs/s, which take 25 ms
    assert "50% of the limit of this machine; bound by compute" in out
    assert "ceilings" not in out


def test_a_cell_bound_by_launches_says_how_many_and_how_long_each_takes(record, capsys):
    steady = Latency(samples_s=(3e-3,) * 30, stopped_by="precision", span_s=1.0)
    macs = Macs(products_macs=1, norms_ops=0, by_operator_macs={}, uncounted=())
    many = replace(record, latency=steady, least_bytes=1, traffic_bytes=1, operators=300, macs=macs)
    known = [*CEILINGS[:2], ("launch", 0, 0, 4e-6)]
    print_details([many], Screen(width=400), [ceiling(record, *one) for one in known])
    out = capsys.readouterr().out
    assert "300 operators; " in out
    assert "launch-bound: about 300 operators, 10.0 µs each" in out


def test_from_a_cell_or_a_limit_graded_c_no_share_is_told(record, capsys):
    macs = Macs(products_macs=10**9, norms_ops=0, by_operator_macs={}, uncounted=())
    wild = replace(record, least_bytes=2**20, traffic_bytes=2**20, operators=10, macs=macs)
    steady = replace(
        wild, latency=Latency(samples_s=(0.05,) * 30, stopped_by="precision", span_s=1.0)
    )
    good = [ceiling(record, *one) for one in CEILINGS]
    few = Latency(samples_s=(0.025,), stopped_by="time_budget")
    poor = [replace(good[0], latency=few), *good[1:]]
    cases = (
        (wild, good, "attnbench sweep --attention dense --n-tokens 25"),
        (steady, poor, "attnbench ceilings --dtype float32 --force"),
    )
    for cell, limits, run in cases:
        print_details([cell], Screen(width=400), limits)
        out = capsys.readouterr().out
        assert f"share of the limit: not measured well enough (run `{run}" in out
        assert "bound" not in out


CEILINGS = (("matmul", 10**9, 0, 0.025), ("copy", 0, 2**30, 0.1), ("launch", 0, 0, 1e-6))


def ceiling(record, operation, macs, moved_bytes, seconds):
    return Ceiling(
        operation=operation, dtype="float32", size=1, macs=macs, moved_bytes=moved_bytes,
        latency=Latency(samples_s=(seconds,) * 9, stopped_by="precision", span_s=1.0),
        environment=record.environment, created="",
    )  # fmt: skip
