from __future__ import annotations

import pytest

from attnbench import units
from attnbench.units import METRICS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5e-3, "1.50 ms"),
        (12.34, "12.3 s"),
        (250e-6, "250 µs"),
        (3e-9, "3.00 ns"),
        (0.9996e-3, "1.00 ms"),
    ],
)
def test_seconds_take_the_step_that_keeps_three_digits(value, text):
    assert units.format_seconds(value) == text


def test_bounds_are_written_in_the_unit_of_their_value():
    assert units.format_seconds_beside(9.58e-4, 1.01e-3) == "0.96"
    assert units.format_seconds_beside(1.2e-3, 950e-6) == "1,200"


@pytest.mark.parametrize(
    ("value", "text"), [(2**20, "1.00 MiB"), (512, "512 B"), (0, "0 B"), (3 * 2**30, "3.00 GiB")]
)
def test_bytes_are_counted_in_binary_multiples(value, text):
    assert units.format_bytes(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.2e9, "4.200 G"), (193.7e9, "193.7 G"), (1.048e6, "0.00105 G"), (0, "0.000 G")],
)
def test_macs_stay_in_giga_and_small_ones_keep_their_digits(value, text):
    assert units.format_giga_macs(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(4_170_000, "4.17 M"), (37_000, "37.0 k"), (27, "27"), (999_900, "1.00 M")]
)
def test_parameters(value, text):
    assert units.format_params(value) == text


def test_short_times_go_down_to_nanoseconds():
    assert units.format_short_seconds(1.2e-8) == "12.0 ns"
    assert units.format_short_seconds(3e-6) == "3.00 µs"


@pytest.mark.parametrize(
    ("value", "text"), [(2.5e-3, "2.50 mJ"), (40e-6, "40.0 µJ"), (1.5, "1.50 J")]
)
def test_energy(value, text):
    assert units.format_joules(value) == text


def test_what_a_machine_can_do():
    assert units.format_mac_rate(5.2e10) == "52.0 GMACs/s"
    assert units.format_bandwidth(3 * 2**30) == "3.00 GiB/s"
    assert units.format_count(1234) == "1,234"
    assert units.format_number(0.913) == "0.91"


def test_shares_ratios_and_rates():
    assert units.format_percent(0.8112) == "81.1 %"
    assert units.format_ratio(7.834) == "7.83×"
    assert units.format_rate(1234.5) == "1,234/s"


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.key)
def test_every_metric_reads_as_one_piece(metric):
    text = metric.format(0.5)
    assert text == text.strip()
    assert metric.axis_label.startswith(metric.label)
    assert metric.scale > 0


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.key)
def test_a_key_names_its_base_unit(metric):
    suffixes = {
        "s": "_s", "bytes": "_bytes", "macs": "macs", "j": "_j", "1/s": "_per_s",
        "macs/s": "macs_per_s", "bytes/s": "bytes_per_s", "1": "",
    }  # fmt: skip
    suffix = suffixes[metric.unit]
    assert metric.key.endswith(suffix)


def test_no_metric_speaks_of_flops():
    assert not any("flop" in f"{m.key} {m.label} {m.axis_unit}".lower() for m in METRICS.values())
