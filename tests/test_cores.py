"""The cores that this process may use, on systems that report it and on others."""

import psutil
import pytest

from attnbench.cores import allowed_cores, available_cores, pinned_cores


class Process:
    """A process that may run on three cores."""

    def cpu_affinity(self):
        return [0, 2, 5]


def test_this_system_has_some():
    assert 1 <= available_cores() <= psutil.cpu_count()


def test_users_may_allow_fewer(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert available_cores() == 1


@pytest.mark.parametrize(("all_cores", "pinned"), [(8, 3), (3, 0)])
def test_a_process_is_pinned_if_it_may_not_use_every_core(monkeypatch, all_cores, pinned):
    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(psutil, "cpu_count", lambda: all_cores)
    assert allowed_cores() == [0, 2, 5]
    assert pinned_cores() == pinned


def test_a_system_without_affinity_pins_nothing(monkeypatch):
    monkeypatch.setattr(psutil, "Process", object)
    assert (allowed_cores(), pinned_cores()) == ([], 0)
