"""Whatever a process has started ends with it, and with whoever started it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from attnbench.isolation.failure import WorkLostError
from attnbench.isolation.program import IsolatedProgram
from attnbench.isolation.spawned import SpawnedProcess

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the workers use POSIX signals")
STARTS = {"spawned": lambda serve: SpawnedProcess(serve, ()), "program": IsolatedProgram}


@pytest.fixture
def workers(monkeypatch):
    """The module of workers, where the other process finds it too."""
    monkeypatch.syspath_prepend(str(HERE))
    import workers

    return workers


def running(pids):
    found = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return [one.pid for one in found if one.status() != psutil.STATUS_ZOMBIE]


def wait_until_gone(pids):
    deadline = time.monotonic() + 30
    while running(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running(pids) == []


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("end", ["dies_with_children", "hangs_with_children"])
def test_children_of_every_kind_end_with_it(start, end, workers):
    with start(getattr(workers, end)) as one:
        pids = one.receive(60, "too late")
        assert len(running(pids)) >= 3
    wait_until_gone(pids)


def test_a_crash_is_seen_although_a_child_holds_the_connection(workers):
    with (
        SpawnedProcess(workers.lets_a_copy_wait_for_jobs, ()) as one,
        pytest.raises(WorkLostError, match="SIGSEGV") as lost,
    ):
        one.receive(60, "too late")
    assert lost.value.part == 3


PARENT = """
import sys; sys.path.insert(0, {folder!r})
import workers
from attnbench.isolation.spawned import SpawnedProcess
if __name__ == "__main__":
    one = SpawnedProcess(workers.holds_the_interpreter, ())
    print(*one.receive(60, "too late"), flush=True)
    one.receive(60, "too late")
"""


def test_a_killed_parent_leaves_none_even_if_the_work_hangs_in_a_library(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(folder=str(HERE)))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(running(pids)) == 4
        parent.kill()
    wait_until_gone(pids)


def test_processes_of_others_are_left_alone(workers):
    with subprocess.Popen([sys.executable, "-c", workers.SLEEPS]) as other:
        with SpawnedProcess(workers.hangs, ()) as one:
            one.wait_until_ready()
        assert running([other.pid, os.getpid()]) == [other.pid, os.getpid()]
        other.kill()
