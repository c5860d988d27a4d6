"""The source of the high-water mark on each operating system."""

import sys
from types import SimpleNamespace

import psutil
import pytest

from attnbench.profiling.memory.marks import (
    LinuxMark,
    MacMark,
    NoMark,
    WindowsMark,
    mark_of_this_system,
)

MIB = 2**20


@pytest.mark.parametrize(
    ("platform", "kind"),
    [("linux", LinuxMark), ("darwin", MacMark), ("win32", WindowsMark), ("sunos5", NoMark)],
)
def test_each_system_has_its_mark(monkeypatch, platform, kind):
    monkeypatch.setattr(sys, "platform", platform)
    assert isinstance(mark_of_this_system(), kind)


def test_windows_reports_the_peak_of_the_working_set(monkeypatch):
    memory = SimpleNamespace(rss=5 * MIB, peak_wset=9 * MIB)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: memory))
    mark = WindowsMark()
    assert (mark.mark_bytes(), mark.held_bytes()) == (9 * MIB, 5 * MIB)
    assert mark.why_unavailable() is None
    assert not mark.set_back()


def test_macos_reports_the_mark_in_bytes(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=9 * MIB))
    mark = MacMark()
    assert mark.mark_bytes() == 9 * MIB
    assert mark.held_bytes() > MIB
    assert not mark.set_back()


def test_a_linux_that_leaves_the_mark_out_has_a_reason(tmp_path):
    (tmp_path / "status").write_text("VmRSS:\t1 kB\n")
    assert "VmHWM" in LinuxMark(tmp_path).why_unavailable()
    (tmp_path / "status").write_text("VmRSS:\t1 kB\nVmHWM:\t2 kB\n")
    assert LinuxMark(tmp_path).why_unavailable() is None
    assert LinuxMark(tmp_path).mark_bytes() == 2048
