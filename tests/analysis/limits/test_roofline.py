from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.limits.machine_limits import Limits, OneRate, Rate, newest_ceilings
from attnbench.analysis.limits.roofline import (
    Ceilings,
    macs_of_mode,
    moved_bytes,
    placement,
    runs_fused,
)
from attnbench.records import Memory
from attnbench.records.latency import Latency

MEMORY = Memory(peak_net_bytes=0, peak_total_bytes=None, method="cpu profiler")


def limits_of(*copies, products=1e9, operator_s=1e-6):
    """Limits whose copies are (bytes, bytes per second); each is known exactly."""
    rates = (OneRate(work=size, per_s=rate, most_per_s=rate) for size, rate in copies)
    return Limits(products=Rate(products, exact=True), copies=tuple(rates), operator_s=operator_s)


LIMITS = limits_of((1000, 4e9), (10_000, 1e9))
QUICK = limits_of((1000, 4e9), (10_000, 1e9), products=1e15)


@pytest.fixture
def cell(layer):
    """A layer of 16 M MACs (training 48 M) that takes a tenth of a second, with all its counts."""

    def build(seconds=0.1, *, least=500, traffic=500, operators=1, cache="", host=None, **more):
        record = layer(**more)
        hosts = (host,) * 8 if host else ()
        latency = Latency(samples_s=(seconds,) * 8, stopped_by="precision", span_s=1.0, cache=cache,
                          host_samples_s=hosts)  # fmt: skip
        return replace(record, latency=latency, least_bytes=least, traffic_bytes=traffic,
                       operators=operators, memory=MEMORY)  # fmt: skip

    return build


def test_the_limit_is_the_time_of_the_macs_where_these_take_longer(cell):
    place = placement(cell(), LIMITS)
    assert place.limit_s == pytest.approx(16e6 / 1e9)
    assert place.percent_of_limit == pytest.approx(0.16)


def test_the_limit_is_the_time_of_the_bytes_where_these_take_longer(cell):
    assert placement(cell(least=10**8), LIMITS).limit_s == pytest.approx(10**8 / 1e9)


@pytest.mark.parametrize("factor", [0.5, 2, 10])
def test_the_share_falls_as_the_latency_grows(cell, factor):
    one, other = (placement(cell(s), LIMITS).percent_of_limit for s in (0.1, 0.1 * factor))
    assert other == pytest.approx(one / factor)


def test_a_share_above_one_is_told_as_it_is(cell):
    assert placement(cell(seconds=1e-3), LIMITS).percent_of_limit == pytest.approx(16)


def test_bandwidth_is_that_of_copies_that_touch_as_much(layer):
    assert LIMITS.bytes_per_s(500) == LIMITS.bytes_per_s(1000) == 4e9
    assert LIMITS.bytes_per_s(1001) == 1e9
    assert LIMITS.bytes_per_s(10**12) == 1e9  # beyond the largest


def test_a_small_copy_that_is_all_overhead_lowers_no_bandwidth():
    slow_start = limits_of((10, 1.0), (1000, 5.0), (9000, 2.0))
    assert slow_start.bytes_per_s(1) == 5.0
    assert slow_start.memory_bytes_per_s == 2.0
    assert slow_start.cache_bytes_per_s == 5.0


def test_after_a_flush_the_bytes_come_from_memory(cell):
    cold, warm = (placement(cell(cache=c), QUICK).limit_s for c in ("cold", "warm"))
    assert (cold, warm) == (pytest.approx(500 / 1e9), pytest.approx(500 / 4e9))


@pytest.mark.parametrize(
    ("mode", "macs", "times"),
    [
        ("forward", 16e6, 1),
        ("backward", 32e6, 1),
        ("forward+backward", 48e6, 2),
        ("train", 48e6, 2),
    ],
)
def test_a_mode_has_the_macs_and_the_least_bytes_of_what_is_timed(cell, mode, macs, times):
    record = cell(mode=mode)
    assert macs_of_mode(record) == macs
    assert placement(record, LIMITS).limit_s == pytest.approx(macs / 1e9)
    assert placement(record, QUICK).limit_s == pytest.approx(times * 500 / 4e9)


def test_what_binds_other_modes_is_not_known_unless_it_is_the_host(cell, gpu):
    assert placement(cell(mode="train"), LIMITS).bound_by == ""
    assert placement(cell(mode="train", host=0.1, env=gpu), LIMITS).bound_by == "launch"


@pytest.mark.parametrize(
    ("change", "bound_by"),
    [
        ({"seconds": 0.04}, "compute"),  # 0.016 s of products
        ({"seconds": 0.2, "traffic": 10**8}, "bandwidth"),  # 0.1 s beyond the caches
        ({"seconds": 0.2, "operators": 10**5}, "launch"),  # 0.1 s
        ({"seconds": 0.2}, "unexplained"),
    ],
)
def test_what_binds_is_the_longest_of_the_three_if_it_is_a_third(cell, change, bound_by):
    limits = limits_of((10_000, 1e9))
    assert placement(cell(**change), limits).bound_by == bound_by


def test_intermediates_count_to_what_is_touched(cell):
    record = cell(seconds=0.1, traffic=2 * 10**8)
    assert placement(record, LIMITS).bound_by == "bandwidth"  # 0.05 s at the cache's 4e9
    spilled = replace(record, memory=replace(MEMORY, peak_net_bytes=5000),
                      traffic_bytes=4 * 10**7)  # fmt: skip
    assert placement(spilled, LIMITS).bound_by == "bandwidth"  # 0.04 s beyond it
    assert placement(replace(spilled, memory=MEMORY), LIMITS).bound_by != "bandwidth"


def test_on_a_gpu_launches_bind_only_where_the_device_waits(cell, gpu):
    waiting, busy = (cell(seconds=0.2, operators=10**5, host=h, env=gpu) for h in (0.19, 0.1))
    assert placement(waiting, LIMITS).bound_by == "launch"
    assert placement(busy, LIMITS).bound_by == "unexplained"


@pytest.mark.parametrize(
    ("impl", "backend", "fused"),
    [
        ("folded", "", False),
        ("reference", "", False),
        ("sdpa", "", True),
        ("sdpa", "flash (cpu)", True),
        ("sdpa", "math", False),
        ("reference", "flash", True),
        ("sdpa", "flash, math", True),
    ],
)
def test_what_torch_chose_says_whether_code_was_fused(cell, impl, backend, fused):
    record = replace(cell(impl=impl, least=1, traffic=2), backend=backend)
    assert runs_fused(record) is fused
    assert moved_bytes(record) == (1 if fused else 2)


@pytest.mark.parametrize("missing", ["least_bytes", "macs", "latency"])
def test_what_was_not_counted_leaves_the_limit_unknown(cell, missing):
    place = placement(replace(cell(), **{missing: None}), LIMITS)
    assert (place.limit_s, place.percent_of_limit, place.bound_by) == (None, None, "")


def test_without_operators_the_limit_is_known_and_what_binds_is_not(cell):
    place = placement(cell(operators=None), LIMITS)
    assert place.percent_of_limit == pytest.approx(0.16)
    assert place.bound_by == ""


def test_limits_are_those_of_the_machine_and_the_dtype(layer, ceilings, cpu, gpu):
    known = Ceilings(ceilings(cpu))
    assert known.of(layer()).macs_per_s == pytest.approx(1e9)
    assert known.of(layer(env=replace(cpu, code="other code"))) is not None
    assert known.of(layer(env=gpu)) is None
    assert known.of(layer(env=replace(cpu, threads=1))) is None
    assert known.of(layer(dtype="float16")) is None


@pytest.mark.parametrize("operation", ["matmul", "copy", "launch"])
def test_limits_need_all_three_operations(layer, ceilings, operation):
    some = [c for c in ceilings() if c.operation != operation]
    assert Ceilings(some).of(layer()) is None


def test_the_best_product_counts_and_the_newest_of_each_size(layer, ceilings):
    old, new = ceilings(macs_per_s=9e9, at=0), ceilings(macs_per_s=2e9, at=5)
    other_size = [replace(c, size=7) for c in ceilings(macs_per_s=3e9) if c.operation == "matmul"]
    for order in ([*old, *new], [*new, *old]):
        assert Ceilings(order).of(layer()).macs_per_s == pytest.approx(2e9)
        assert len(newest_ceilings(order)) == len(new)
    assert Ceilings([*new, *other_size]).of(layer()).macs_per_s == pytest.approx(3e9)
