from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.growth.exponent import exponent_of, scaling
from attnbench.analysis.interval import two_sided_95
from attnbench.records import Memory
from attnbench.records.latency import Latency

SIZES = np.array([64.0, 196.0, 576.0, 1024.0, 2304.0, 4096.0])


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_a_power_law_gives_its_power_and_no_width(power):
    exponent = exponent_of(SIZES, 3e-6 * SIZES**power)
    assert exponent.value == pytest.approx(power, abs=1e-12)
    assert exponent.high - exponent.low == pytest.approx(0, abs=1e-9)


def test_units_of_cost_and_of_size_do_not_matter():
    values = np.array([3.0, 4.0, 9.0, 20.0, 70.0, 200.0])
    one, other = exponent_of(SIZES, values), exponent_of(7 * SIZES, 1e-9 * values)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_inverse_cost_has_the_opposite_exponent():
    values = np.array([3.0, 4.0, 9.0, 20.0, 70.0, 200.0])
    one, other = exponent_of(SIZES, values), exponent_of(SIZES, 1 / values)
    assert (other.value, other.low, other.high) == pytest.approx((-one.value, -one.high, -one.low))


def test_the_range_is_the_largest_four_sizes_over_a_factor_of_four():
    assert exponent_of(SIZES, SIZES).tokens == (576, 1024, 2304, 4096)
    near = np.array([64.0, 1000.0, 2000.0, 3000.0, 3500.0, 4000.0])
    assert exponent_of(near, near).tokens == (1000, 2000, 3000, 3500, 4000)
    few = np.array([64.0, 1000.0, 4000.0])
    assert exponent_of(few, few).tokens == (64, 1000, 4000)


def test_sizes_that_span_little_are_all_used_and_said_to_be_cramped():
    close = np.array([1000.0, 1200.0, 1400.0, 1600.0, 1800.0])
    exponent = exponent_of(close, close)
    assert exponent.tokens == tuple(close)
    assert exponent.is_cramped
    assert not exponent_of(SIZES, SIZES).is_cramped


def test_overhead_at_small_sizes_does_not_pass_for_slow_growth():
    bent = 1e-3 + 1e-9 * SIZES**2
    whole = np.polyfit(np.log(SIZES), np.log(bent), 1)[0]
    assert exponent_of(SIZES, bent).value > 1.5 * whole


def test_a_bent_curve_has_a_wide_interval():
    bent = 1e-3 + 1e-9 * SIZES**2
    width = np.diff([getattr(exponent_of(SIZES, bent), end) for end in ("low", "high")])
    assert width > 0.3


def test_three_points_give_the_interval_of_one_degree_of_freedom():
    x, y = np.array([1.0, 4.0, 16.0]), np.exp([0.0, 1.0, 0.5])
    exponent = exponent_of(x, y)
    steps = np.log(x) - np.log(x).mean()
    slope, level = np.polyfit(steps, np.log(y), 1)
    error = np.sqrt(np.sum((np.log(y) - level - slope * steps) ** 2) / np.sum(steps**2))
    assert exponent.value == pytest.approx(slope)
    assert exponent.high - exponent.value == pytest.approx(two_sided_95(1) * error)


def test_noise_of_the_samples_widens_where_residuals_show_none():
    quiet, loud = (exponent_of(SIZES, SIZES, np.full(6, s)) for s in (0.01, 0.05))
    assert quiet.high - quiet.low > 0
    assert loud.high - loud.low == pytest.approx(5 * (quiet.high - quiet.low))


@pytest.mark.parametrize("sizes", [SIZES[3:], SIZES])
def test_the_interval_covers_the_exponent_as_often_as_it_says(sizes):
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        values = sizes**1.5 * np.exp(0.03 * generator.standard_normal(len(sizes)))
        exponent = exponent_of(sizes, values)
        hits += exponent.low <= 1.5 <= exponent.high
    assert 0.92 <= hits / 400 <= 0.98  # 95 % ± 3 standard errors


@pytest.fixture
def sweep(layer):
    """Builds layers with latency ∝ tokens and memory ∝ tokens²."""

    def build_one(name, side, **more):
        record = layer(name, side, 1e-6 * side**2, **more)
        memory = Memory(peak_net_bytes=100 * side**4, peak_total_bytes=None, method="cpu profiler")
        return replace(record, memory=memory)

    return build_one


def rows(records):
    frame = scaling(build(records).layers)
    return {(row.label, row.metric): row for row in frame.itertuples()}


def test_each_cost_has_its_row(sweep):
    found = rows([sweep("dense", side) for side in (4, 8, 16, 32)])
    assert {metric for _, metric in found} == {"latency_s", "memory_bytes", "macs"}
    latency = found["dense (reference)", "latency_s"]
    assert latency.exponent == pytest.approx(1)
    assert (latency.from_tokens, latency.to_tokens, latency.sizes) == (16, 1024, 4)
    assert latency.exponent_low < 1 < latency.exponent_high  # the samples have intervals
    assert found["dense (reference)", "memory_bytes"].exponent == pytest.approx(2)


def test_two_sizes_give_no_row(sweep):
    assert rows([sweep("dense", side) for side in (4, 8)]) == {}
    assert rows([]) == {}


def test_failed_cells_do_not_count(sweep, layer):
    failed = [layer("dense", side, status="out_of_memory", reason="x") for side in (16, 32)]
    found = rows([*(sweep("dense", side) for side in (4, 8)), *failed])
    assert {metric for _, metric in found} == {"macs"}


def test_modes_and_grids_are_kept_apart(sweep):
    squares = [sweep("dense", side) for side in (4, 8, 16)]
    training = [sweep("dense", side, mode="train") for side in (4, 8, 16)]
    long = sweep("dense", 99, grid=(8, 32))  # as many tokens as 16 × 16, at another cost
    frame = scaling(build([*squares, *training, long]).layers)
    assert len(frame) == 6
    assert frame.loc[frame["metric"] == "latency_s", "exponent"].tolist() == pytest.approx([1, 1])
    assert set(frame["metric"]) == {"latency_s", "memory_bytes", "macs", "training_macs"}


def test_sizes_graded_c_are_left_out_by_name(sweep):
    once = Latency(samples_s=(1.0,), stopped_by="time_budget")
    records = [sweep("dense", side) for side in (4, 8, 16, 32)]
    records[-1] = replace(records[-1], latency=once)
    found = rows(records)
    latency = found["dense (reference)", "latency_s"]
    assert latency.notes == "left out, not measured well enough: 1,024 tokens"
    assert (latency.exponent, latency.to_tokens) == (pytest.approx(1), 256)
    assert found["dense (reference)", "memory_bytes"].to_tokens == 1024


def test_too_few_good_sizes_have_no_exponent_but_what_to_run(sweep):
    once = Latency(samples_s=(1.0,), stopped_by="time_budget")
    records = [sweep("dense", side) for side in (4, 8, 16)]
    records[-1] = replace(records[-1], latency=once)
    latency = rows(records)["dense (reference)", "latency_s"]
    assert latency.exponent != latency.exponent  # missing
    assert latency.notes == (
        "not measured well enough: 256 tokens (run `attnbench sweep --attention dense "
        "--n-tokens 256 --threads 2 --time-budget 10 --force`)"
    )


LADDERS = {
    3: [196, 1024, 4096], 4: [196, 576, 1024, 4096],
    9: [64, 100, 196, 324, 576, 784, 1024, 2304, 4096],
}  # fmt: skip


@pytest.mark.parametrize("count", LADDERS)
@pytest.mark.parametrize("correlation", [0, 0.5, 0.9])
def test_coverage_with_few_sizes_and_with_noise_that_wanders(count, correlation):
    generator, sizes, hits = np.random.default_rng(0), np.array(LADDERS[count], float), 0
    for _ in range(400):
        steps = generator.standard_normal(count)
        for i in range(1, count):
            steps[i] = correlation * steps[i - 1] + np.sqrt(1 - correlation**2) * steps[i]
        values = sizes**1.5 * np.exp(0.03 * steps)
        exponent = exponent_of(sizes, values, np.full(count, 0.03))
        hits += exponent.low <= 1.5 <= exponent.high
    assert hits >= 0.93 * 400


def test_cramped_sizes_are_noted(sweep):
    found = rows([sweep("dense", side) for side in (10, 11, 12)])
    assert "all sizes span only a factor of 1.4" in found["dense (reference)", "macs"].notes
