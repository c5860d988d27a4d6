"""The high-water mark of memory, on scripted systems and on this one."""

import pytest

from attnbench.profiling.memory.high_water import Resident, high_water_of, why_no_mark
from attnbench.profiling.memory.marks import LinuxMark, Mark, NoMark

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

    def high_water_of(self, work):
        return high_water_of(work, LinuxMark(self.folder))


class RisingMark(Mark):
    """A system whose mark cannot be set back."""

    def __init__(self, mark, held):
        self.mark, self.held = mark, held

    def mark_bytes(self):
        return self.mark

    def held_bytes(self):
        return self.held

    def rise_to(self, mark):
        self.mark = mark


@pytest.fixture
def proc(tmp_path):
    return FakeProc(tmp_path)


def test_the_mark_is_set_back_and_read_after_the_work(proc):
    found = proc.high_water_of(lambda: proc.tell(now=510, mark=564))
    assert found == Resident(net_bytes=64 * MIB, total_bytes=564 * MIB)
    assert (proc.folder / "clear_refs").read_text() == "5"


def test_a_mark_that_cannot_be_set_back_is_right_if_it_rose(proc):
    proc.refuse_to_set_back()
    found = proc.high_water_of(lambda: proc.tell(now=500, mark=901))
    assert found == Resident(net_bytes=401 * MIB, total_bytes=901 * MIB)


def test_a_mark_that_cannot_be_set_back_and_did_not_rise_tells_nothing(proc):
    proc.refuse_to_set_back()
    found = proc.high_water_of(lambda: proc.tell(now=700, mark=900))
    assert (found.net_bytes, found.total_bytes) == (None, None)
    assert "cannot be set back" in found.reason
    assert "under the 900 MiB" in found.reason


def test_a_system_without_a_mark_has_a_reason_and_does_no_work(proc):
    (proc.folder / "status").write_text("VmRSS:\t1 kB\n")
    worked = []
    found = proc.high_water_of(lambda: worked.append(1))
    assert found.net_bytes is None
    assert "VmHWM" in found.reason
    assert worked == []


def test_a_system_that_attnbench_cannot_ask_has_a_reason():
    found = high_water_of(lambda: 1 / 0, NoMark())
    assert (found.net_bytes, found.total_bytes) == (None, None)
    assert "cannot read a high-water mark on" in found.reason


def test_without_setting_back_a_mark_that_rose_is_right():
    mark = RisingMark(900 * MIB, 500 * MIB)
    found = high_water_of(lambda: mark.rise_to(901 * MIB), mark)
    assert found == Resident(net_bytes=401 * MIB, total_bytes=901 * MIB)
    assert "cannot be set back" in high_water_of(lambda: None, mark).reason


def test_a_process_that_shrinks_needs_nothing(proc):
    assert proc.high_water_of(lambda: proc.tell(now=300, mark=499)).net_bytes == 0


@pytest.mark.skipif(why_no_mark() is not None, reason="this system keeps no high-water mark")
def test_what_lives_only_for_a_moment_is_in_the_mark():
    def work():
        bytearray(64 * MIB)

    assert high_water_of(work).net_bytes == pytest.approx(64 * MIB, abs=4 * MIB)
