"""Which cores a process is held to, and that all of its threads stay there."""

import os
import subprocess
import sys

import psutil
import pytest

from attnbench.errors import UserError
from attnbench.profiling.machine import pinning
from attnbench.profiling.machine.pinning import pin, quietest

ALONE = {core: frozenset({core}) for core in range(4)}
PAIRS = {0: frozenset({0, 1}), 1: frozenset({0, 1}), 2: frozenset({2, 3}), 3: frozenset({2, 3})}


@pytest.mark.parametrize(
    ("count", "load", "siblings", "chosen"),
    [
        (1, {0: 90.0, 1: 0.0}, ALONE, [1]),
        (2, {0: 2.0, 1: 0.0, 2: 100.0, 3: 1.0}, ALONE, [0, 1]),  # a tick is no load
        (2, dict.fromkeys(range(4), 0.0), PAIRS, [0, 2]),  # two physical cores
        (2, {0: 0.0, 1: 0.0, 2: 100.0, 3: 80.0}, PAIRS, [0, 1]),  # a busy core is worse
        (3, dict.fromkeys(range(4), 0.0), PAIRS, [0, 1, 2]),
    ],
)
def test_the_quietest_cores_are_chosen_and_physical_ones_first(count, load, siblings, chosen):
    assert quietest(count, load, siblings) == chosen


@pytest.mark.parametrize(("text", "cores"), [("0,4\n", {0, 4}), ("2-3\n", {2, 3}), ("7\n", {7})])
def test_siblings_are_read_as_linux_lists_them(monkeypatch, tmp_path, text, cores):
    folder = tmp_path / "cpu2" / "topology"
    folder.mkdir(parents=True)
    (folder / "thread_siblings_list").write_text(text)
    monkeypatch.setattr(pinning, "TOPOLOGY", tmp_path)
    assert pinning._siblings(2) == cores
    assert pinning._siblings(9) == {9}  # nothing is known of it


def test_a_system_that_cannot_pin_is_named(monkeypatch):
    monkeypatch.setattr(psutil, "Process", object)
    with pytest.raises(UserError, match="--pin: this system .* leave it out"):
        pin(1)


def test_a_refusal_of_the_system_is_one_line(monkeypatch):
    def refuse(cores):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(pinning, "allowed_cores", lambda: [0, 1])
    monkeypatch.setattr(pinning, "_load_of", lambda cores: dict.fromkeys(cores, 0.0))
    monkeypatch.setattr(pinning, "_hold_to", refuse)
    with pytest.raises(UserError, match="does not let this process choose its cores"):
        pin(1)


PROGRAM = """
import os, threading, time
held = [threading.Thread(target=time.sleep, args=(0.5,)) for _ in range(2)]
held[0].start()
from attnbench.profiling.machine.pinning import pin
cores = pin(1)
held[1].start()
of_threads = [os.sched_getaffinity(int(task)) for task in os.listdir("/proc/self/task")]
child = os.popen("grep Cpus_allowed_list /proc/self/status").read().split()[-1]
print(len(cores), len(of_threads), all(found == set(cores) for found in of_threads), child)
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores, and a system that holds processes to them",
)
def test_threads_of_before_and_after_and_child_processes_stay_on_the_core():
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    count, threads, all_held, child = found.stdout.split()
    assert (count, all_held) == ("1", "True")
    assert int(threads) == 3
    assert child.isdecimal()
