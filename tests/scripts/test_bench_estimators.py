"""The table of estimators, from scripted trials and one tiny one."""

import importlib
import random
from pathlib import Path

import pytest

from attnbench.spec import Protocol

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("bench_estimators")


def trial(script, load, seconds):
    estimates = dict.fromkeys(script.ESTIMATORS, seconds)
    return script.Trial(cell="a", threads=1, load=load, estimates=estimates, undisturbed=9,
                        samples=10)  # fmt: skip


def test_the_mode_is_where_samples_are_densest(script):
    noise = random.Random(0)
    samples = [noise.gauss(1, 0.01) for _ in range(60)] + [noise.uniform(2, 9) for _ in range(50)]
    assert script.mode(samples) == pytest.approx(1, abs=0.02)
    assert script.mode([3.0]) == 3.0


def test_errors_are_relative_to_the_quiet_median(script):
    found = [trial(script, "none", s) for s in (1.0, 2.0, 3.0)]
    found += [trial(script, "1 core", s) for s in (2.0, 3.0, None)]
    assert script.errors(found, "median", "1 core") == [0.0, 0.5, None]
    assert script._share(found, "median") == "1, 1, 1"
    assert script._bias(found, "median", "1 core").startswith("+25.0%")
    assert script._bias(found, "median", "2 cores") == "declined"
    assert any(line.startswith("| minimum |") for line in script.summary(found))


def test_a_call_is_judged_by_every_estimator(script, monkeypatch):
    monkeypatch.setattr(script, "LOADS", ((0, 1.0),))
    monkeypatch.setattr(script, "CELLS", {"50 us": script.CELLS["50 us"]})
    monkeypatch.setattr("attnbench.doctor.planted_contention.BUSY_START_S", 0)
    monkeypatch.setattr(script.torch, "set_num_threads", lambda threads: None)
    (found,) = script.trials(1, 1, Protocol(warmup_s=0, precision=1e-9, time_budget_s=0.1))
    assert set(found.estimates) == set(script.ESTIMATORS)
    assert found.estimates["minimum"] <= found.estimates["p10"] <= found.estimates["median"]
    assert 0 <= found.undisturbed <= found.samples
