"""Sweeps that are killed at any moment lose nothing, double nothing and leave nothing behind."""

import os
import random
import signal
import subprocess
import sys
import time
from math import ceil
from pathlib import Path

import psutil
import pytest

from attnbench.isolation.family import MARKS
from attnbench.records import store

ROOT = Path(__file__).parents[3]
KILLS = 3
"""How often a sweep is killed, multiplied by `--thorough`."""
AT_ONCE = 2
"""Sweeps that run on one file at the same time."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="processes are told apart by their marks"),
]


class Sweeps:
    """Command lines of `attnbench sweep` on one file, with all the processes that they start."""

    def __init__(self, folder, sizes):
        self.file = folder / "sweep.jsonl"
        self.mark = f"test-{os.getpid()}-{random.SystemRandom().randrange(10**9)}"
        tokens = ",".join(str((n // 2) * ((n + 1) // 2)) for n in range(8, 8 + sizes))
        self.cells = 2 * sizes
        self.command = [
            sys.executable, ROOT / "cli.py", "sweep", "--attention", "dense,anchor",
            "--impl", "reference", "--n-tokens", tokens, "--dim", "24", "--time-budget", "0.05",
            "--out", self.file.name,
        ]  # fmt: skip

    def start(self):
        return subprocess.Popen(
            self.command,
            cwd=self.file.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, MARKS: self.mark},
        )

    def keys(self):
        contents = store.read(self.file) if self.file.exists() else store.Contents()
        return [record.key for record in contents.records]

    def processes(self):
        """The processes of all these sweeps, which inherit the mark."""
        found = []
        for process in psutil.process_iter():
            try:
                if self.mark in process.environ().get(MARKS, "").split():
                    found.append(process.cmdline())
            except psutil.Error:
                continue
        return [command for command in found if not any("resource_tracker" in c for c in command)]


def wait_until(condition):
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_kills_lose_nothing_and_what_is_left_is_shared_by_the_sweeps_that_follow(tmp_path, request):
    kills = ceil(KILLS * request.config.getoption("--thorough"))
    moments = random.Random(0)
    sweeps = Sweeps(tmp_path, sizes=4 + kills)
    done = []
    for _ in range(kills):
        process, aim = sweeps.start(), len(done) + moments.randrange(3)
        wait_until(lambda: len(sweeps.keys()) >= aim or process.poll() is not None)  # noqa: B023
        time.sleep(moments.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), said
        before, done = done, sweeps.keys()
        assert done[: len(before)] == before
    last = [sweeps.start() for _ in range(AT_ONCE)]
    said = [process.communicate()[0] for process in last]
    assert [process.returncode for process in last] == [0] * AT_ONCE, said
    keys = sweeps.keys()
    assert len(keys) == len(set(keys)) == sweeps.cells
    assert all(f"{sweeps.cells} cells: " in text for text in said)
    assert [one.name for one in tmp_path.iterdir()] == [sweeps.file.name]
    wait_until(lambda: sweeps.processes() == [])
