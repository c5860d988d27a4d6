"""Samples with two peaks are named, and no others are."""

from dataclasses import replace

import numpy as np
import pytest

from attnbench.records.doubts.modes import modes_of, two_modes
from attnbench.records.latency import Latency
from attnbench.records.trust import trust_in_latency


def autocorrelated(rng, n, r):
    values, shocks = [rng.standard_normal()], rng.standard_normal(n) * np.sqrt(1 - r * r)
    for shock in shocks[1:]:
        values.append(r * values[-1] + shock)
    return np.array(values)


def noisy(rng, times, width=0.03):
    return times * np.exp(width * rng.standard_normal(len(times)))


ONE_PEAK = {
    "normal": lambda rng, n: np.exp(0.3 * rng.standard_normal(n)),
    "exponential": lambda rng, n: 1 + rng.exponential(1, n),
    "heavy tail": lambda rng, n: 1 + rng.pareto(0.7, n),
    "both tails": lambda rng, n: np.exp(0.1 * rng.standard_t(2, n)),
    "flat": lambda rng, n: 1 + rng.random(n),
    "coarse clock": lambda rng, n: np.round(20 * noisy(rng, np.ones(n), 0.05)) / 20,
    "outliers": lambda rng, n: noisy(rng, np.where(rng.random(n) < 0.05, 5, 1)),
    "autocorrelated": lambda rng, n: np.exp(0.2 * autocorrelated(rng, n, 0.95)),
    "drift": lambda rng, n: noisy(rng, np.linspace(1, 2, n)),
    "a step": lambda rng, n: noisy(rng, np.where(np.arange(n) < n * 0.6, 1, 2)),
    "states of the machine": lambda rng, n: noisy(
        rng, np.where(np.cumsum(rng.random(n) < 0.02) % 2, 1, 2)
    ),
}
TWO_PEAKS = {
    "two calls in five": lambda rng, n: noisy(rng, np.where(np.arange(n) % 5 > 1, 3, 1), 0.1),
    "now and then": lambda rng, n: noisy(rng, np.where(rng.random(n) < 0.2, 2, 1)),
    "close": lambda rng, n: noisy(rng, np.where(rng.random(n) < 0.4, 1.25, 1)),
    "with outliers": lambda rng, n: (
        noisy(rng, np.where(rng.random(n) < 0.4, 2, 1)) * np.where(rng.random(n) < 0.02, 20, 1)
    ),
}


def share_named(samples, runs=60):
    rng = np.random.default_rng(0)
    return np.mean([
        modes_of(samples(rng, n).tolist()) is not None for n in (60, 200) for _ in range(runs)
    ])  # fmt: skip


@pytest.mark.parametrize("kind", ONE_PEAK)
def test_samples_with_one_peak_are_not_accused(kind):
    assert share_named(ONE_PEAK[kind]) <= 0.02


@pytest.mark.parametrize("kind", TWO_PEAKS)
def test_two_peaks_are_named(kind):
    assert share_named(TWO_PEAKS[kind]) >= 0.85


def test_the_text_names_both_and_the_grade_is_below_a():
    samples = tuple(1e-3 if i % 5 > 1 else 4e-3 for i in range(100))
    latency = Latency(samples_s=samples, stopped_by="precision")
    doubt = two_modes(latency)
    assert doubt.text == "two modes: 60% of samples near 1.00 ms, 40% near 4.00 ms"
    assert doubt.grade == "B"
    assert doubt in trust_in_latency(latency).doubts


def test_samples_that_others_disturbed_do_not_count():
    waits = tuple(0.0 if i % 5 > 1 else 3e-3 for i in range(100))
    samples = tuple(1e-3 + wait for wait in waits)
    latency = Latency(samples_s=samples, stopped_by="precision")
    assert two_modes(latency) is not None
    assert two_modes(replace(latency, waits_s=waits, switches=(1,) * 100)) is None
