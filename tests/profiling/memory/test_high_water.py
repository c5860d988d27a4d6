"""The mark on scripted kernels: one that sets it back, one that refuses, one that has none."""

import pytest

from attnbench.profiling.memory import high_water
from attnbench.profiling.memory.high_water import Resident, high_water_of, why_no_mark

MIB = 2**20


class FakeProc:
    """A folder in the place of /proc/self."""

    def __init__(self, folder):
        self.folder = folder
        self.tell(now=500, mark=900)

    def tell(self, *, now, mark):
        (self.folder / "status").write_text(
            f"Name:\tpython\nVmHWM:\t{mark * 1024} kB\nVmRSS:\t{now * 1024} kB\nThreads:\t1\n"
        )

    def refuse_to_set_back(self):
        (self.folder / "clear_refs").mkdir()


@pytest.fixture
def proc(tmp_path, monkeypatch):
    monkeypatch.setattr(high_water, "PROC_SELF", tmp_path)
    return FakeProc(tmp_path)


def test_the_mark_is_set_back_and_read_after_the_work(proc):
    found = high_water_of(lambda: proc.tell(now=510, mark=564))
    assert found == Resident(net_bytes=64 * MIB, total_bytes=564 * MIB)
    assert (proc.folder / "clear_refs").read_text() == "5"


def test_a_mark_that_cannot_be_set_back_is_right_if_it_rose(proc):
    proc.refuse_to_set_back()
    found = high_water_of(lambda: proc.tell(now=500, mark=901))
    assert found == Resident(net_bytes=401 * MIB, total_bytes=901 * MIB)


def test_a_mark_that_cannot_be_set_back_and_did_not_rise_tells_nothing(proc):
    proc.refuse_to_set_back()
    found = high_water_of(lambda: proc.tell(now=700, mark=900))
    assert (found.net_bytes, found.total_bytes) == (None, None)
    assert "cannot be set back" in found.reason
    assert "under the 900 MiB" in found.reason


def test_a_system_without_a_mark_has_a_reason_and_does_no_work(proc):
    (proc.folder / "status").write_text("VmRSS:\t1 kB\n")
    worked = []
    found = high_water_of(lambda: worked.append(1))
    assert found.net_bytes is None
    assert found.reason == why_no_mark()
    assert "VmHWM" in found.reason
    assert worked == []


def test_a_process_that_shrinks_needs_nothing(proc):
    assert high_water_of(lambda: proc.tell(now=300, mark=499)).net_bytes == 0


@pytest.mark.skipif(why_no_mark() is not None, reason="this system keeps no high-water mark")
def test_what_lives_only_for_a_moment_is_in_the_mark():
    def work():
        bytearray(64 * MIB)

    assert high_water_of(work).net_bytes == pytest.approx(64 * MIB, abs=4 * MIB)
