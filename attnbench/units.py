"""One row per metric: key, label, unit, better direction and how a person reads it.

Base units are stored everywhere (seconds, bytes, multiply-accumulates); scaling and rounding
happen in these formatters alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10
from typing import Literal


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    """Write a value in the largest step that it reaches, with three significant digits."""
    size, unit = _step(value, steps)
    return f"{_three_digits(value / size)} {unit}"


def _step(value: float, steps: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    # What rounds up to a step has reached it: 0.99996 ms reads "1.00 ms", not "1,000 µs".
    return next((step for step in steps if abs(value) >= 0.9995 * step[0]), steps[-1])


def _three_digits(value: float) -> str:
    magnitude = abs(value)
    decimals = 0 if magnitude >= 99.95 else 1 if magnitude >= 9.995 else 2
    return f"{value:,.{decimals}f}"


_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def format_seconds(value: float) -> str:
    """1.5e-3 becomes "1.50 ms"."""
    return _scaled(value, _SECONDS)


def format_seconds_beside(value: float, other: float) -> str:
    """The number alone, in the unit that `other` is written in: 9.6e-4 beside 1e-3 is "0.96"."""
    return _three_digits(value / _step(other, _SECONDS)[0])


def format_bytes(value: float) -> str:
    """Binary multiples: 1,048,576 becomes "1.00 MiB"."""
    if abs(value) < 2**10:
        return f"{value:.0f} B"
    return _scaled(value, ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")))


def format_giga_macs(value: float) -> str:
    """Always in GMACs, so that a column can be compared at a glance."""
    giga = value / 1e9
    if 0 < abs(giga) < 0.1:  # the layers of small models: three digits, or nothing would be left
        return f"{giga:.{2 - floor(log10(abs(giga)))}f} G"
    return f"{giga:.3f} G" if giga < 10 else f"{giga:,.1f} G"


def format_params(value: float) -> str:
    """4,170,000 becomes "4.17 M"."""
    if abs(value) < 1e3:
        return f"{value:.0f}"
    return _scaled(value, ((1e6, "M"), (1e3, "k")))


def format_percent(value: float) -> str:
    """0.8112 becomes "81.1 %"."""
    return f"{100 * value:.1f} %"


def format_number(value: float) -> str:
    """Three digits and no unit: 3.1 becomes "3.10"."""
    return _three_digits(value)


def format_count(value: float) -> str:
    """1234 becomes "1,234"."""
    return f"{value:,.0f}"


def format_joules(value: float) -> str:
    """2.5e-3 becomes "2.50 mJ"."""
    return _scaled(value, ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ")))


def format_mac_rate(value: float) -> str:
    """5.2e10 becomes "52.0 GMACs/s"."""
    return f"{_three_digits(value / 1e9)} GMACs/s"


def format_bandwidth(value: float) -> str:
    """Binary multiples: 1,073,741,824 becomes "1.00 GiB/s"."""
    return f"{_three_digits(value / 2**30)} GiB/s"


def format_ratio(value: float) -> str:
    """7.83 becomes "7.83×"."""
    return f"{_three_digits(value)}×"


def format_rate(value: float) -> str:
    """Images per second."""
    return f"{_three_digits(value)}/s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measured quantity; `scale` turns the stored base unit into the unit of a plot's axis."""

    key: str
    label: str
    unit: str
    better: Literal["lower", "higher"]
    format: Callable[[float], str]
    axis_unit: str
    scale: float = 1.0
    quantity: str = "score"
    """Its row of `bounds.QUANTITIES`, for what a model scores."""

    @property
    def axis_label(self) -> str:
        """Label and unit as they stand beside an axis."""
        return f"{self.label} ({self.axis_unit})"


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(key="params", label="parameters", unit="1", better="lower",
               format=format_params, axis_unit="M", scale=1e-6),
        Metric(key="macs", label="MACs", unit="macs", better="lower",
               format=format_giga_macs, axis_unit="GMACs", scale=1e-9),
        Metric(key="training_macs", label="training MACs", unit="macs", better="lower",
               format=format_giga_macs, axis_unit="GMACs", scale=1e-9),
        Metric(key="traffic_bytes", label="bytes moved", unit="bytes", better="lower",
               format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="latency_s", label="latency", unit="s", better="lower",
               format=format_seconds, axis_unit="ms", scale=1e3),
        Metric(key="memory_bytes", label="net peak memory", unit="bytes", better="lower",
               format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="speedup", label="speed-up", unit="1", better="higher",
               format=format_ratio, axis_unit="×"),
        Metric(key="throughput_per_s", label="throughput", unit="1/s", better="higher",
               format=format_rate, axis_unit="images/s"),
        Metric(key="predict_each_s", label="after the network, an image", unit="s", better="lower",
               format=format_seconds, axis_unit="ms", scale=1e3),
        Metric(key="least_bytes", label="least bytes", unit="bytes", better="lower",
               format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="operators", label="operators", unit="1", better="lower",
               format=format_count, axis_unit="1"),
        Metric(key="p50_s", label="p50", unit="s", better="lower",
               format=format_seconds, axis_unit="ms", scale=1e3),
        Metric(key="p90_s", label="p90", unit="s", better="lower",
               format=format_seconds, axis_unit="ms", scale=1e3),
        Metric(key="p99_s", label="p99", unit="s", better="lower",
               format=format_seconds, axis_unit="ms", scale=1e3),
        Metric(key="host_s", label="host time", unit="s", better="lower",
               format=format_seconds, axis_unit="ms", scale=1e3),
        Metric(key="first_call_s", label="first call", unit="s", better="lower",
               format=format_seconds, axis_unit="ms", scale=1e3),
        Metric(key="time_per_token_s", label="time a token", unit="s", better="lower",
               format=format_seconds, axis_unit="µs", scale=1e6),
        Metric(key="images_per_s", label="images a second", unit="1/s", better="higher",
               format=format_rate, axis_unit="images/s"),
        Metric(key="reserved_net_bytes", label="net reserved memory", unit="bytes",
               better="lower", format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="resident_net_bytes", label="net resident memory", unit="bytes",
               better="lower", format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="kept_bytes", label="kept between calls", unit="bytes", better="lower",
               format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="kept_more_bytes", label="growth a call", unit="bytes", better="lower",
               format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="outside_bytes", label="outside of torch's allocator", unit="bytes",
               better="lower", format=format_bytes, axis_unit="MiB", scale=2**-20),
        Metric(key="energy_j", label="energy", unit="j", better="lower",
               format=format_joules, axis_unit="mJ", scale=1e3),
        Metric(key="macs_per_s", label="rate of MACs", unit="macs/s", better="higher",
               format=format_mac_rate, axis_unit="GMACs/s", scale=1e-9),
        Metric(key="bytes_per_s", label="bandwidth", unit="bytes/s", better="higher",
               format=format_bandwidth, axis_unit="GiB/s", scale=2**-30),
        Metric(key="percent_of_limit", label="of limit", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0),
        Metric(key="macs_speedup", label="speed-up by MACs", unit="1", better="higher",
               format=format_ratio, axis_unit="×"),
        Metric(key="floor_relative", label="resolution", unit="1", better="lower",
               format=format_percent, axis_unit="%", scale=100.0),
        Metric(key="top1", label="top-1 accuracy", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="top5", label="top-5 accuracy", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="ap", label="AP", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="ap50", label="AP50", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="ap75", label="AP75", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="ap_small", label="AP small", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="ap_medium", label="AP medium", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="ap_large", label="AP large", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="ar100", label="AR100", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="miou", label="mIoU", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="macc", label="mAcc", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="aacc", label="aAcc", unit="1", better="higher",
               format=format_percent, axis_unit="%", scale=100.0, quantity="share"),
        Metric(key="loss", label="loss", unit="1", better="lower",
               format=lambda value: f"{value:.3f}", axis_unit="nats"),
    )
}  # fmt: skip

PRIMARY_SCORE = {"classification": "top1", "detection": "ap", "segmentation": "miou"}
"""The score by which the models of each task are ranked: a key of `METRICS`."""


def primary_score(task: str) -> Metric | None:
    """The primary score of a task, with its unit and better direction; None for unknown tasks."""
    return METRICS.get(PRIMARY_SCORE.get(task, ""))
