"""The number of usable cores, on systems that report it and on others."""

import psutil

from attnbench.cores import available_cores


class Process:
    """A process that may run on three cores."""

    def cpu_affinity(self):
        return [0, 2, 5]


def test_only_cores_that_the_process_may_run_on_count(monkeypatch):
    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 8)
    assert available_cores() == 3


def test_a_system_without_affinity_counts_all(monkeypatch):
    monkeypatch.setattr(psutil, "Process", object)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 8)
    assert available_cores() == 8
    monkeypatch.setattr(psutil, "cpu_count", lambda: None)
    assert available_cores() == 1


def test_this_system_has_some():
    assert 1 <= available_cores() <= psutil.cpu_count()
