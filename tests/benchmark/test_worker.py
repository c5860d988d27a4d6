"""A cell that crashes, hangs or fails does not stop the sweep."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from known_plugins import plugins_forgotten

from attnbench.benchmark.runner import profile
from attnbench.benchmark.sweep import sweep
from attnbench.benchmark.worker import Worker, _Sparingly
from attnbench.isolation.failure import WorkLostError
from attnbench.spec import Protocol, Workload

PLUGIN = str(Path(__file__).parent / "troublesome.py")
QUICK = Protocol(warmup_s=0, min_samples=3, precision=10, time_budget_s=0.05)
PATIENT_S = 60
"""A limit that no cell of these tests reaches unless it hangs."""


@pytest.fixture(autouse=True, scope="module")
def plugin():
    """The troublesome attentions are known to the tests of this file alone."""
    with plugins_forgotten(PLUGIN):
        yield


@pytest.fixture(scope="module")
def worker():
    with Worker("cpu", [PLUGIN], PATIENT_S) as worker:
        yield worker


def cell(attention, tokens=16):
    return Workload(attention=attention, grid=(4, tokens // 4), dim=24, num_heads=3)


def pid_of(worker):
    return worker._process.pid


def test_good_cells_share_one_process_and_their_records_are_those_of_this_one(worker):
    (here,) = profile([cell("quiet")], QUICK)
    (there,) = worker.measure([cell("quiet")], QUICK)
    pid = pid_of(worker)
    assert pid != os.getpid()
    assert (there.status, there.key) == ("ok", here.key)
    assert there.environment.threads == torch.get_num_threads()
    assert there.macs == here.macs
    unsupported = Workload(attention="quiet", grid=(4, 4), impl="flash", dim=24)
    assert worker.measure([unsupported], QUICK)[0].status == "unsupported"
    worker.measure([cell("dense")], QUICK)
    assert pid_of(worker) == pid


def test_a_comparison_is_measured_in_turn_and_tells_its_steps(worker):
    steps = []
    records = worker.measure([cell("quiet"), cell("dense"), cell("chatty")], QUICK, steps.append)
    assert [record.status for record in records] == ["ok"] * 3
    assert len({record.latency.rounds_with for record in records}) == 1
    assert records[0].latency.rounds_with != ""
    assert steps[0].startswith("building quiet")


def test_steps_that_follow_each_other_fast_are_told_sparingly():
    told = []
    tell = _Sparingly(told.append)
    for step in range(1000):
        tell(f"round {step}")
    assert told[0] == "round 0"
    assert len(told) < 100


def test_what_a_cell_prints_reaches_no_terminal(worker, capfd):
    assert worker.measure([cell("chatty")], QUICK)[0].status == "ok"
    assert capfd.readouterr() == ("", "")


TROUBLES = {
    "raises": ("failed", "RuntimeError: no kernel for this"),
    "segfaults": (
        "failed",
        "the process crashed (SIGSEGV): assertion failed in somebody's kernel",
    ),
    "is-killed": ("out_of_memory", "the kernel killed the process (SIGKILL), most likely for"),
    "asks-for-too-much": ("out_of_memory", "DefaultCPUAllocator"),
    "exits": ("failed", "the process ended with exit code 3"),
    "hangs": ("timeout", "made no progress for 2 s (--timeout) and was ended"),
}


@pytest.mark.slow
@pytest.mark.usefixtures("quick_workers")
def test_each_trouble_costs_one_cell_and_its_process(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attentions = [name for trouble in TROUBLES for name in (trouble, "quiet")]
    pids = []
    with Worker("cpu", [PLUGIN], timeout_s=2) as worker:

        def measure(workloads, protocol, on_step):
            # Only a hanging cell may be given up, however slow the machine is.
            worker.timeout_s = 2 if workloads[0].attention == "hangs" else PATIENT_S
            try:
                return worker.measure(workloads, protocol, on_step)
            finally:
                pids.append(worker._process and pid_of(worker))

        records = [sweep([cell(name)], QUICK, measure=measure)[0] for name in attentions]
    assert [record.status for record in records[1::2]] == ["ok"] * len(TROUBLES)
    for record in records[::2]:
        status, reason = TROUBLES[record.workload.attention]
        assert (record.workload.attention, record.status) == (record.workload.attention, status)
        assert reason in record.reason
        assert record.latency is None
    assert pids[::2] == [None] * len(TROUBLES)
    assert len(set(pids[1::2])) == len(TROUBLES)
    assert capfd.readouterr() == ("", "")


def test_the_new_process_leaves_ctrl_c_to_its_parent_before_it_imports_torch():
    """Importing torch takes seconds, in which a Ctrl-C would end the process."""
    code = "import sys, attnbench.benchmark.worker; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.usefixtures("quick_workers")
def test_what_only_this_process_knows_is_a_failure_of_the_cell():
    with Worker("cpu", (), PATIENT_S) as worker, pytest.raises(WorkLostError) as lost:
        worker.measure([cell("quiet")], QUICK)
    assert lost.value.status == "unsupported"
    assert "unknown attention 'quiet'" in lost.value.reason


@pytest.mark.usefixtures("quick_workers")
def test_a_plugin_that_fails_in_the_process_is_named(tmp_path):
    with (
        Worker("cpu", [str(tmp_path / "gone.py")], PATIENT_S) as worker,
        pytest.raises(WorkLostError, match=r"exit code 1: .*gone.py: no such file"),
    ):
        worker.measure([cell("dense")], QUICK)


@pytest.mark.usefixtures("quick_workers")
def test_a_process_that_ends_between_cells_costs_none(worker):
    worker.measure([cell("quiet")], QUICK)
    first = pid_of(worker)
    os.kill(first, signal.SIGKILL)
    assert worker._process.exit_code(60) == -signal.SIGKILL
    assert worker.measure([cell("quiet")], QUICK)[0].status == "ok"
    assert pid_of(worker) != first
