"""Processes of one program: what they know, how they end together, and the one line about it."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from attnbench.isolation import several
from attnbench.isolation.several import run_several

START = """
import os, signal, sys, time
from pathlib import Path
from attnbench.isolation.several import leave_message
rank, folder = int(os.environ["RANK"]), Path(sys.argv[1])
def say(text, lost=False): leave_message(Path(os.environ["ATTNBENCH_MESSAGE"]), text, lost=lost)
def wait_for(name):
    while not (folder / name).exists(): time.sleep(0.01)
"""


def program(code):
    return f"import sys; sys.path[:] = {sys.path!r}\n{START}\n{textwrap.dedent(code)}"


def run(code, folder, count=3):
    return run_several(program(code), [str(folder)], count)


def test_processes_know_their_places_and_the_words(tmp_path):
    end = run(
        """
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR")
        (folder / str(rank)).write_text(" ".join(os.environ[name] for name in names))
        """,
        tmp_path,
    )
    assert (end.code, end.text) == (0, "")
    for rank in range(3):
        assert (tmp_path / str(rank)).read_text() == f"{rank} 3 {rank} 3 127.0.0.1"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("say('no'); sys.exit(2)", (2, "no")),
        ("print('told', file=sys.stderr) if rank == 0 else None; sys.exit(1)", (1, "")),
        ("os._exit(143)", (143, "")),
        (
            "if rank == 1: say('a file is damaged'); sys.exit(2)\n"
            "wait_for('never') if rank == 2 else (say('lost; kept', lost=True), sys.exit(2))",
            (2, "process 1 of 3 (from 0): a file is damaged; kept"),
        ),
        (
            "if rank == 2: 1 / 0\ntime.sleep(60)",
            (1, "process 2 of 3 (from 0): the process ended with exit code 1: ZeroDivisionError: "
             "division by zero"),
        ),
        (
            "if rank == 0: sys.exit(1)\ntime.sleep(60)",  # such as a traceback, which is printed
            (1, ""),
        ),
        (
            "if rank == 1: os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(60)",
            (2, "process 1 of 3 (from 0): the kernel killed the process (SIGKILL), most likely for "
             "memory"),
        ),
    ],
)  # fmt: skip
def test_the_first_failure_ends_all_and_is_told_in_a_line(code, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(several, "GRACE_S", 0.3)
    end = run(code, tmp_path)
    assert (end.code, end.text) == expected


def test_a_signal_reaches_every_process_once(tmp_path):
    def send():
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.getsignal(signal.SIGUSR1)
    threading.Thread(target=send, daemon=True).start()
    end = run(
        """
        asked = []
        signal.signal(signal.SIGUSR1, lambda number, frame: asked.append(number))
        (folder / str(rank)).touch()
        while not asked: time.sleep(0.01)
        os._exit(128 + asked[0] if len(asked) == 1 else 3)
        """,
        tmp_path,
        2,
    )
    assert (end.code, end.text) == (128 + signal.SIGUSR1, "")
    assert signal.getsignal(signal.SIGUSR1) == before


def test_all_end_with_the_one_that_started_them(tmp_path):
    code = """
    from attnbench.isolation.inside import end_with
    end_with(int(os.environ["ATTNBENCH_PARENT"]))
    (folder / str(os.getpid())).touch()
    time.sleep(60)
    """
    starts = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from attnbench.isolation.several import run_several\n"
        f"run_several({program(code)!r}, [{str(tmp_path)!r}], 2)"
    )
    with subprocess.Popen([sys.executable, "-c", starts]) as parent:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        parent.kill()
    ends = time.monotonic() + 30
    for path in tmp_path.iterdir():
        while _runs(int(path.name)):
            assert time.monotonic() < ends
            time.sleep(0.05)


def _runs(pid):
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
