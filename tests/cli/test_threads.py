"""`--threads` and `--pin` on the command line."""

import json
import os
import subprocess
import sys

import psutil
import pytest
import torch

from attnbench.cli.show.screen import Screen
from attnbench.cli.threads import Threads
from attnbench.profiling.machine import threads
from attnbench.profiling.machine.environment import describe_environment
from attnbench.profiling.machine.threads import ThreadTrial

COMPUTING = ("profile", "sweep", "train", "evaluate", "ceilings", "doctor", "reproduce")
TINY = ("--attention", "dense", "--impl", "reference", "--n-tokens", "4", "--dim", "12",
        "--time-budget", "0.05")  # fmt: skip


@pytest.fixture
def as_before():
    """Puts the number of threads back."""
    yield
    torch.set_num_threads(1)
    threads._chosen.clear()


@pytest.mark.parametrize("command", COMPUTING)
def test_every_command_that_computes_has_both(attnbench, command):
    code, out, _ = attnbench(command, "--help")
    assert code == 0
    assert "--threads" in out
    assert "--pin" in out


@pytest.mark.parametrize("text", ["0", "99999", "-1", "x", "1.5", "", "²", "9" * 5000])
def test_what_is_no_number_of_usable_cores_is_refused(attnbench, text):
    code, _, err = attnbench("profile", "--threads", text)
    assert code == 2
    assert err.startswith("attnbench: --threads takes auto, or 1 to ")
    assert err.count("\n") == 1


def test_auto_takes_what_the_trial_found_and_says_so(monkeypatch, capsys, as_before):
    trial = ThreadTrial(seconds={1: 1.0, 2: 0.5})
    monkeypatch.setattr(threads, "try_threads", lambda most: trial)
    Threads(threads="auto").take(Screen(width=20))
    assert capsys.readouterr().out == (
        "--threads auto: 2 of 2: 2 threads were 2 times as fast as 1\n"
    )
    assert torch.get_num_threads() == 2
    assert threads.threads_were_chosen()
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    environment = describe_environment(torch.device("cpu"))
    assert (environment.threads, environment.wait_policy) == (2, "passive")


def test_a_number_is_taken_without_a_word(monkeypatch, capsys, as_before):
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    Threads(threads="1").take(Screen())
    assert capsys.readouterr().out == ""
    assert threads.threads_were_chosen()
    assert describe_environment(torch.device("cpu")).wait_policy == ""  # nothing waits


def test_a_system_that_cannot_pin_is_exit_code_2(attnbench, monkeypatch):
    monkeypatch.setattr(psutil, "Process", object)
    code, _, err = attnbench("profile", *TINY, "--pin")
    assert (code, err.count("\n")) == (2, 1)
    assert "--pin: this system" in err


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores, and a system that holds processes to them",
)
def test_a_worker_takes_threads_and_cores_over(tmp_path):
    out = tmp_path / "sweep.jsonl"
    program = "from attnbench.cli import main; main()"
    arguments = ["sweep", *TINY, "--threads", "1", "--pin", "--out", str(out)]
    subprocess.run([sys.executable, "-c", program, *arguments], cwd=tmp_path, check=True)
    environment = json.loads(out.read_text())["environment"]
    assert (environment["threads"], environment["pinned"]) == (1, 1)
