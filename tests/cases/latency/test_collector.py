"""Python's collector strikes those that leave garbage, and nobody else."""

import gc
import itertools

import pytest

from attnbench.profiling.latency.collector import collector_notes, collector_off
from attnbench.profiling.latency.sampling import CallFailedError, measure_latencies
from attnbench.profiling.latency.timer import WallTimer
from attnbench.spec import Protocol

SHORT = Protocol(warmup_s=0.0, min_samples=40, precision=10.0, time_budget_s=0.3)


class Ring:
    def __init__(self):
        self.itself = self


def clean():
    return list(range(50))


def garbage():
    for _ in range(500):
        Ring()


CALLS = itertools.count()


def now_and_then():
    if next(CALLS) % 4 == 0:
        garbage()


def measure(**calls):
    return measure_latencies(calls, SHORT, WallTimer(), rounds_with="group")


@pytest.mark.parametrize("culprit", [garbage, now_and_then])
def test_the_collector_strikes_who_made_the_garbage_and_nobody_else(culprit):
    found = measure(clean=clean, culprit=culprit)
    assert found["clean"].pauses_s == ()
    assert found["clean"].left_objects == 0
    assert collector_notes(found["clean"]) == []
    struck = found["culprit"]
    assert struck.left_objects >= 100
    assert len(struck.pauses_s) == len(struck.samples_s)
    assert any(struck.pauses_s)
    assert all(p < s for p, s in zip(struck.pauses_s, struck.samples_s, strict=True))
    assert "objects to Python's garbage collector" in collector_notes(struck)[0]


def test_a_call_that_runs_the_collector_itself_is_marked():
    found = measure(tidy=lambda: gc.collect(0))["tidy"]
    assert found.left_objects == 0
    assert all(found.pauses_s)
    assert collector_notes(found)[0].startswith("Python's garbage collector runs in ")


@pytest.mark.parametrize("was_on", [True, False])
def test_the_collector_is_left_as_it_was_even_by_a_failure(was_on):
    def fails():
        raise RuntimeError("no")

    if not was_on:
        gc.disable()
    try:
        listeners = list(gc.callbacks)
        with pytest.raises(CallFailedError):
            measure(fails=fails)
        measure(garbage=garbage)
        assert gc.isenabled() == was_on
        assert gc.callbacks == listeners
    finally:
        gc.enable()


def test_garbage_does_not_fill_memory_while_nobody_is_struck():
    with collector_off():
        found = measure(clean=clean)["clean"]
        assert gc.get_count()[0] < 100_000
    assert found.pauses_s == ()
