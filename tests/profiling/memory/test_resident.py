"""Resident memory of a fresh process, and the reason if the process dies."""

import os
import pickle
import signal
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from attnbench.isolation.failure import WorkLostError
from attnbench.profiling.memory import marks
from attnbench.profiling.memory.high_water import why_no_mark
from attnbench.profiling.memory.marks import LinuxMark
from attnbench.profiling.memory.resident import measure_resident

HERE = Path(__file__).parent
MIB = 2**20
CLOSE = 4 * MIB

pytestmark = pytest.mark.skipif(
    why_no_mark() is not None, reason="this system keeps no high-water mark"
)


@pytest.fixture
def builds(monkeypatch):
    """The module of builds, where the fresh process finds it too."""
    monkeypatch.syspath_prepend(str(HERE))
    import resident_builds

    return resident_builds


NEEDS_64 = ["frees", "holds_from_the_start", "past_torch", "in_another_thread"]


@pytest.mark.parametrize("build", NEEDS_64)
def test_64_mib_are_seen_however_they_are_taken(builds, build):
    found = measure_resident(partial(getattr(builds, build), 64))
    assert found.net_bytes == pytest.approx(64 * MIB, abs=CLOSE)
    assert found.total_bytes > found.net_bytes + 64 * MIB  # torch alone is more than that
    assert found.reason == ""


@pytest.mark.parametrize("build", ["imports_much", "prints"])
def test_what_takes_no_memory_of_its_own_shows_none_of_this_process_either(builds, build, capfd):
    held = builds.touch(256)
    assert measure_resident(getattr(builds, build)).net_bytes < CLOSE
    assert capfd.readouterr() == ("", "")
    del held


def test_a_build_that_cannot_be_rehearsed_is_measured_all_the_same(builds):
    found = measure_resident(partial(builds.only_where_there_is_memory, 64))
    assert found.net_bytes == pytest.approx(64 * MIB, abs=CLOSE)


PLUGIN = """
import torch
from attnbench import register_attention

@register_attention("roomy", family="dense")
def roomy():
    return lambda: torch.ones(64 * 2**20, dtype=torch.int8)
"""


def test_plugins_are_loaded_there(builds, tmp_path):
    plugin = tmp_path / "roomy.py"
    plugin.write_text(PLUGIN)
    build = partial(builds.attention, "roomy")
    with pytest.raises(WorkLostError, match="unknown attention 'roomy'") as unknown:
        measure_resident(build)
    assert unknown.value.status == "unsupported"
    found = measure_resident(build, plugins=[str(plugin)])
    assert found.net_bytes == pytest.approx(64 * MIB, abs=CLOSE)


def test_a_plugin_that_is_gone_is_named(builds, tmp_path):
    with pytest.raises(WorkLostError, match="gone.py: no such file"):
        measure_resident(builds.nothing, plugins=[str(tmp_path / "gone.py")])


def test_threads_are_those_asked_for_or_those_of_this_process(builds, monkeypatch):
    with pytest.raises(WorkLostError, match="2 threads"):
        measure_resident(builds.tells_threads, threads=2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    with pytest.raises(WorkLostError, match="3 threads"):
        measure_resident(builds.tells_threads)


def test_it_works_within_a_daemon_too(builds, loaded_processes):
    connection, far_end = loaded_processes.Pipe()
    daemon = loaded_processes.Process(target=builds.measures_itself, args=(far_end,), daemon=True)
    daemon.start()
    far_end.close()
    with connection:
        assert connection.recv().net_bytes < CLOSE
    daemon.join()


TROUBLES = {
    "raises": ("failed", "RuntimeError: no kernel for this"),
    "asks_for_too_much": ("out_of_memory", "DefaultCPUAllocator"),
}
"""Other ends are those of every isolated process: `tests/isolation`."""


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_lost_process_has_a_status_and_a_reason(builds, trouble):
    with pytest.raises(WorkLostError) as lost:
        measure_resident(getattr(builds, trouble))
    status, reason = TROUBLES[trouble]
    assert lost.value.status == status
    assert reason in lost.value.reason
    assert str(lost.value) == lost.value.reason


def test_a_process_that_hangs_is_ended(builds, tmp_path):
    pid_file = tmp_path / "pid"
    with pytest.raises(WorkLostError, match=r"within 2 s and was ended") as late:
        measure_resident(partial(builds.hangs, str(pid_file)), timeout_s=2)
    assert late.value.status == "timeout"
    if pid_file.exists():  # on a machine this slow it was ended while it still built
        assert not is_running(int(pid_file.read_text()))


def test_what_cannot_be_pickled_is_refused_before_anything_starts():
    with pytest.raises((pickle.PicklingError, AttributeError)):
        measure_resident(lambda: lambda: None)


def test_a_system_without_a_mark_has_a_reason(builds, monkeypatch, tmp_path):
    monkeypatch.setitem(marks.MARKS, sys.platform, LinuxMark(tmp_path))
    found = measure_resident(builds.raises)
    assert (found.net_bytes, found.total_bytes) == (None, None)
    assert "VmHWM" in found.reason


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_one_that_started_it(builds, loaded_processes, tmp_path, blow):
    pid_file = tmp_path / "pid"
    parent = loaded_processes.Process(target=builds.measures_what_hangs, args=(str(pid_file),))
    parent.start()
    assert eventually(lambda: pid_file.exists() and pid_file.read_text())
    os.kill(parent.pid, blow)
    parent.join(60)
    assert eventually(lambda: not is_running(int(pid_file.read_text())))


def eventually(condition, limit_s=120):
    end = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def is_running(pid):
    """Whether it lives; one that has ended and that nobody has asked after does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
