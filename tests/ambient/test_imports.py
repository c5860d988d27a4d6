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
finders = list(sys.meta_path)
with unchanged_by_import() as changes:
    import torch
    torch.set_flush_denormal(True)
print(changes)
assert all(finder in finders or "torch" in repr(finder) for finder in sys.meta_path)
"""


def test_settings_of_torch_are_those_at_the_end_of_its_import():
    result = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    expected = "changed flushing of denormals to zero from False to True"
    assert result.stdout.strip() == repr([expected])


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
