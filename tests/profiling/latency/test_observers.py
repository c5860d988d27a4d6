"""What is observed beside a sample: of this process, with scripted files where it must be exact."""

import os
import threading
import time

import pytest

from attnbench.profiling.latency import observers
from attnbench.profiling.latency.observers import (
    Canary,
    Observer,
    Processor,
    after_all,
    before_all,
)


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """Sets (ns on a core, ns waiting) of the threads of this process."""
    monkeypatch.setattr(observers, "TASKS", tmp_path)

    def script(times):
        for name, (ran, waited) in times.items():
            (tmp_path / str(name)).mkdir(exist_ok=True)
            (tmp_path / str(name) / "schedstat").write_text(f"{ran} {waited} 7\n")

    return script


def observed(observer, meanwhile):
    observer.start()
    observer.before()
    meanwhile()
    facts = observer.after()
    observer.stop()
    return facts


def test_waits_of_all_threads_are_added(tasks):
    tasks({1: (9, 5 * 10**6), 2: (9, 0)})
    facts = observed(Processor(), lambda: tasks({1: (9, 8 * 10**6), 2: (9, 10**6)}))
    assert facts["waits_s"] == pytest.approx(0.004)


def test_a_kernel_that_counts_no_waits_leaves_them_unknown(tasks):
    tasks({1: (0, 0)})
    assert "waits_s" not in observed(Processor(), lambda: None)


def test_a_system_without_such_files_leaves_them_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(observers, "TASKS", tmp_path / "nowhere")
    assert set(observed(Processor(), lambda: None)) <= {"cpu_samples_s", "switches"}


def test_a_system_without_usage_leaves_switches_unknown(monkeypatch, tasks):
    monkeypatch.setattr(observers, "resource", None)
    tasks({})
    assert set(observed(Processor(), lambda: None)) == {"cpu_samples_s"}


def test_the_calling_thread_is_read_first_and_the_idlest_not_at_all(tasks, monkeypatch):
    monkeypatch.setattr(observers, "MOST_THREADS", 2)
    me = threading.get_native_id()
    tasks({me: (1, 10**9), me + 1: (99, 2 * 10**9), me + 2: (50, 3 * 10**9)})
    opened = observers._open_tasks()
    assert [observers._times_ns(task) for task in opened] == [(1, 10**9), (99, 2 * 10**9)]
    for task in opened:
        os.close(task)


def test_processor_time_is_that_of_the_call_and_not_of_its_sleep():
    def work():
        time.sleep(0.02)
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass

    assert 0.01 <= observed(Processor(), work)["cpu_samples_s"] < 0.02


@pytest.mark.parametrize(("took_s", "ready"), [(1e-5, True), (4e-3, False)])
def test_a_reading_during_which_the_core_was_lost_says_so(monkeypatch, took_s, ready):
    times = iter([0.0, took_s])
    monkeypatch.setattr(observers.clocks, "perf_counter", lambda: next(times))
    assert Processor().before() is ready


def test_the_slower_canary_counts(monkeypatch):
    songs = iter([3e-5, 1e-5])
    monkeypatch.setattr(observers, "sing", lambda: next(songs))
    assert observed(Canary(), lambda: None) == {"canary_s": 3e-5}


def test_a_canary_is_short():
    assert min(observers.sing() for _ in range(20)) < 1e-4


def test_observers_are_nested_and_their_facts_joined():
    order = []

    class Named(Observer):
        def __init__(self, name):
            self.name = name

        def before(self):
            order.append(f"before {self.name}")
            return self.name != "outer"

        def after(self):
            order.append(f"after {self.name}")
            return {self.name: 1.0}

    both = [Named("outer"), Named("inner")]
    assert not before_all(both)  # and the inner one is asked all the same
    assert after_all(both) == {"inner": 1.0, "outer": 1.0}
    assert order == ["before outer", "before inner", "after inner", "after outer"]
