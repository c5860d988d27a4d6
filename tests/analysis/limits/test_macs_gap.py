from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.limits.macs_gap import UNEXPLAINED, Twins, gap, macs_speedup
from attnbench.analysis.limits.roofline import Ceilings
from attnbench.records.latency import Latency


@pytest.fixture
def cell(layer):
    """A layer with that many MACs, seconds and bytes; of a small memory, unless said."""

    def build(attention="dense", *, macs, seconds, traffic=10, least=10, operators=1, host=None,
              peak=0, backend="", **more):  # fmt: skip
        record = layer(attention, **more)
        hosts = (host,) * 8 if host else ()
        latency = Latency(
            samples_s=(seconds,) * 8, stopped_by="precision", span_s=1.0, host_samples_s=hosts
        )
        return replace(
            record, latency=latency, least_bytes=least, traffic_bytes=traffic, backend=backend,
            operators=operators, macs=replace(record.macs, products_macs=macs),
            memory=replace(record.memory, peak_net_bytes=peak),
        )  # fmt: skip

    return build


def told(own, dense, ceilings=(), twins=()):
    speedup = dense.latency.median_s / own.latency.median_s
    return gap(own, dense, speedup, Ceilings(ceilings), Twins(twins))


def test_a_layer_of_a_tenth_of_the_macs_is_expected_to_be_ten_times_faster(cell):
    dense, own = cell(macs=10**7, seconds=1), cell("anchor", macs=10**6, seconds=1)
    assert macs_speedup(own, dense) == 10
    assert macs_speedup(dense, dense) == 1
    assert macs_speedup(replace(own, macs=None), dense) is None
    assert macs_speedup(cell(macs=0, seconds=1), dense) is None


@pytest.mark.parametrize("seconds", [0.1, 0.081, 0.124])
def test_within_a_quarter_nothing_needs_a_reason(cell, seconds):
    dense, own = cell(macs=10**7, seconds=1), cell("anchor", macs=10**6, seconds=seconds)
    assert told(own, dense) == ""


@pytest.mark.parametrize("seconds", [0.05, 0.5])
def test_without_a_limit_and_without_a_difference_there_is_no_explanation(cell, seconds):
    dense, own = cell(macs=10**7, seconds=1), cell("anchor", macs=10**6, seconds=seconds)
    assert told(own, dense) == UNEXPLAINED


def test_launches_are_the_reason_where_they_bind(cell, ceilings):
    dense = cell(macs=10**7, seconds=1)
    own = cell("anchor", macs=10**5, seconds=0.1, operators=41)
    known = ceilings(operator_s=2e-3)
    assert told(own, dense, known) == "launch-bound: about 41 operators, 2.44 ms each"
    assert told(own, dense, ceilings(operator_s=1e-6)) == UNEXPLAINED


def test_on_a_gpu_the_host_s_own_time_is_told_without_any_ceiling(cell, gpu):
    dense = cell(macs=10**7, seconds=1, env=gpu)
    own = cell("anchor", macs=10**5, seconds=0.1, operators=50, host=0.1, env=gpu)
    assert told(own, dense) == "launch-bound: about 50 operators, 2.00 ms each"
    uncounted = replace(own, operators=None)
    assert told(uncounted, dense) == "launch-bound: the host takes 100 ms to launch it"


def test_bytes_are_the_reason_where_they_bind_and_are_more_for_each_mac(cell, ceilings):
    dense = cell(macs=10**7, seconds=0.01, traffic=10**7)
    own = cell("anchor", macs=10**6, seconds=0.01, traffic=5 * 10**6)
    known = ceilings(bytes_per_s={2**20: 1e9})
    text = "bandwidth-bound: moves 5.00 bytes per MAC, dense 1.00"
    assert told(own, dense, known) == text


def test_the_cache_is_the_reason_where_the_bytes_for_each_mac_are_alike(cell, ceilings):
    known = ceilings(macs_per_s=1e12, bytes_per_s={2**10: 8e9, 2**20: 1e9})
    dense = cell(macs=10**7, seconds=1e-3, traffic=10**7)
    own = cell("anchor", macs=10**6, seconds=1e-3, traffic=10**6, peak=2**20)
    assert told(own, dense, known).startswith(
        "cache: this one holds 1.00 MiB (copies of that size: "
    )
    assert "dense holds 10 B" in told(own, dense, known)


def test_dense_is_named_where_it_is_the_slow_one(cell, ceilings):
    dense = cell(macs=10**7, seconds=0.1, traffic=10**8)
    own = cell("anchor", macs=10**6, seconds=1e-3, traffic=10**6)
    text = "dense is bandwidth-bound: moves 10.0 bytes per MAC, this one 1.00"
    assert told(own, dense, ceilings(macs_per_s=1e10)) == text


def test_fused_code_on_the_faster_side_is_a_reason(cell):
    dense = cell(macs=10**7, seconds=0.1, impl="sdpa", backend="flash")
    own = cell("anchor", macs=10**6, seconds=0.1)
    assert told(own, dense) == "dense runs fused code, this one does not"
    assert told(replace(dense, backend="math"), dense) == ""
    unfused = cell(macs=10**7, seconds=0.1)
    fused = cell("window", macs=10**6, seconds=1e-4, impl="sdpa", backend="flash")
    assert told(fused, unfused) == "this one runs fused code, dense does not"
    assert told(own, replace(dense, backend="math")) == UNEXPLAINED


@pytest.mark.parametrize(
    ("unfused_s", "text"),
    [(0.3, "dense runs fused code (worth 3.00× to it), this one does not"), (0.11, UNEXPLAINED)],
)
def test_an_unfused_twin_says_what_fusion_is_worth(cell, unfused_s, text):
    dense = cell(macs=10**7, seconds=0.1, impl="sdpa", backend="flash")
    own = cell("anchor", macs=10**6, seconds=0.1)
    twins = [dense, own, cell(macs=10**7, seconds=unfused_s), cell(macs=1, seconds=9, batch=2)]
    assert told(own, dense, twins=twins) == text


def test_reasons_that_hold_together_are_told_together(cell, ceilings):
    dense = cell(macs=10**7, seconds=1, impl="sdpa", backend="flash")
    own = cell("anchor", macs=10**5, seconds=0.1, operators=50)
    text = told(own, dense, ceilings(operator_s=1e-3))
    assert text == (
        "launch-bound: about 50 operators, 2.00 ms each; dense runs fused code, this one does not"
    )
