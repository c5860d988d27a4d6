"""What an import changes is put back, even if the import is the first to load torch."""

import subprocess
import sys
import threading
import time

import pytest

from attnbench import clocks
from attnbench.ambient.threads import Threads
from attnbench.ambient.watch import unchanged_by_import

CODE = """
import sys
from attnbench.ambient.watch import unchanged_by_import
assert "torch" not in sys.modules
with unchanged_by_import() as changes:
    import torch
    torch.set_flush_denormal(True)
print(changes)
import attnbench.profiling.latency.timer as timer
del sys.modules["attnbench.profiling.latency.timer"]
with unchanged_by_import() as changes:
    import attnbench.profiling.latency.timer as timer
    timer.WallTimer.time_call = print
print(changes)
assert timer.WallTimer.time_call is not print
"""


def test_what_the_import_is_the_first_to_load_is_as_it_was_then():
    result = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    expected = "changed flushing of denormals to zero from False to True"
    replaced = "replaced attnbench.profiling.latency.timer.WallTimer.time_call"
    assert result.stdout.splitlines() == [repr([expected]), repr([replaced])]


def test_an_import_that_fails_changes_nothing_either():
    clock = time.monotonic
    found = []

    def fails():
        with unchanged_by_import() as changes:
            found.append(changes)
            time.monotonic = lambda: 0
            raise ImportError("no such library")

    with pytest.raises(ImportError):
        fails()
    assert found == [["replaced time.monotonic"]]
    assert time.monotonic is clock


def test_threads_that_were_there_before_are_not_named():
    stop = threading.Event()
    threading.Thread(target=stop.wait, args=(10,), name="before").start()
    threads = Threads()
    threading.Thread(target=stop.wait, args=(0.05,), name="since").start()
    left = threads.left_running()
    stop.set()
    assert left == ["threads left running: since"]


def test_clocks_that_disagree_are_named(monkeypatch):
    check = clocks.ClockCheck()
    assert check.disagreement() == ""
    real = clocks.perf_counter
    monkeypatch.setattr(clocks, "perf_counter", lambda: real() + 10)
    assert "clocks disagree: 10.0" in check.disagreement()
