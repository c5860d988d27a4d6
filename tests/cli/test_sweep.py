"""`attnbench sweep` end to end: planned, interrupted and killed; `tests/cases/kills` resumes it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from known_plugins import plugins_forgotten

from attnbench.records import store

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "tests/benchmark/troublesome.py"
QUICK = ["--dim", "24", "--time-budget", "0.05", "--impl", "reference", "--out", "sweep.jsonl"]


def heed_ctrl_c():
    """Tests that were started in the background hand it down that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Sweep:
    """Command lines of `attnbench sweep` in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "sweep.jsonl"

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, ROOT / "cli.py", "sweep", *QUICK, *map(str, arguments)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a process group, as a terminal's Ctrl-C reaches it
            preexec_fn=heed_ctrl_c,
        )

    def run(self, *arguments):
        """Standard output of a run that must end well."""
        process = self.start(*arguments)
        out, err = process.communicate()
        assert process.returncode == 0, err
        return out

    def records(self):
        return store.read(self.file).records if self.file.exists() else []


@pytest.fixture
def sweep(tmp_path):
    return Sweep(tmp_path)


@pytest.fixture
def troublesome_forgotten():
    """What a command of this process has loaded is forgotten again."""
    with plugins_forgotten():
        yield


def is_running(pid):
    """Whether Linux still runs a process; one that ended and waits to be reaped does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition):
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


HANGS = ["--plugin", PLUGIN, "--n-tokens", 16]


def start_and_hang(sweep, attentions):
    """A sweep whose last cell hangs, and the id of the process that measures it."""
    process = sweep.start(*HANGS, "--attention", attentions)
    file = sweep.folder / "hanging.pid"
    wait_until(lambda: file.exists() and file.read_text())
    return process, int(file.read_text())


@pytest.mark.slow
def test_ctrl_c_ends_a_sweep_and_leaves_no_process(sweep, attnbench, troublesome_forgotten):
    code, _, err = attnbench("sweep", *QUICK, *HANGS, "--attention", "quiet")
    assert code == 0, err
    process, worker = start_and_hang(sweep, "quiet,hangs")
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "2 cells: 1 already there; nothing new was stored" in out
    assert "what was measured so far is stored" in err
    assert "Traceback" not in err
    assert not is_running(worker)
    assert len(sweep.records()) == 1


@pytest.mark.slow
def test_the_measuring_process_ends_with_a_sweep_that_is_killed(sweep):
    process, worker = start_and_hang(sweep, "hangs")
    process.kill()
    process.communicate()
    wait_until(lambda: not is_running(worker))


@pytest.mark.slow
def test_a_cell_that_hangs_is_given_up(sweep):
    arguments = ["--plugin", PLUGIN, "--attention", "hangs", "--n-tokens", 16]
    assert "1 cells: 1 timeout" in sweep.run(*arguments, "--timeout", 2)
    (hung,) = sweep.records()
    assert (hung.status, hung.reason) == (
        "timeout",
        "made no progress for 2 s (--timeout) and was ended",
    )


def test_a_dry_run_lists_the_cells_and_stores_nothing(sweep):
    arguments = ["--attention", "dense,anchor", "--n-tokens", "16", "--impl", "reference,folded"]
    out = sweep.run(*arguments, "--dry-run")
    assert out.splitlines() == [
        "would run      dense (reference) at 16 tokens",
        "cannot run     dense (folded) at 16 tokens: DenseAttention has no impl 'folded'; "
        "it has reference, sdpa, sdpa-flash, sdpa-efficient, sdpa-cudnn, sdpa-math, xformers, flex",
        "would run      anchor-30 (reference) at 16 tokens",
        "would run      anchor-30 (folded) at 16 tokens",
        "4 cells: 3 would run, 1 cannot run; nothing was run or stored",
    ]
    assert list(sweep.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--executor", "slurm"], "--device cpu or cuda"),
        (["--executor", "ray", "--device", "cpu", "--threads", "auto"], "--threads N"),
        (["--executor", "slurm", "--device", "cpu", "--pin"], "--threads N"),
        (["--executor-option", "at_once=2"], "--executor slurm or ray"),
        (["--executor", "pbs", "--device", "cpu"], "local, slurm"),
        (["--executor", "slurm", "--executor-option", "colour", "--device", "cpu"], "NAME=VALUE"),
    ],
)
def test_an_executor_refuses_what_only_this_machine_could_answer(attnbench, flags, told):
    code, _, err = attnbench("sweep", *QUICK, "--n-tokens", 16, *flags)
    assert (code, told in err) == (2, True), err


@pytest.mark.parametrize("command", [["sweep"], ["train", "pyramid-t"], ["reproduce", "table1"]])
@pytest.mark.parametrize("engine", ["slurm", "ray"])
def test_an_engine_that_is_not_installed_is_named_with_its_extra(
    attnbench, monkeypatch, command, engine
):
    monkeypatch.setattr("attnbench.executors.named.find_spec", lambda name: None)
    device = ["--device", "cpu"] * (command != ["reproduce", "table1"])
    code, _, err = attnbench(*command, "--executor", engine, *device)
    assert (code, f"pip install 'attnbench[{engine}]'" in err) == (2, True), err


def test_the_cells_of_one_size_are_one_job(attnbench):
    flags = ["--executor", "slurm", "--device", "cpu", "--dry-run"]
    code, out, err = attnbench(
        "sweep", *QUICK, "--attention", "dense,window", "--n-tokens", "16,64", *flags
    )
    assert (code, err) == (0, "")
    assert out == "2 jobs would measure 4 cells; 0 are already there\n"


@pytest.mark.slow
def test_jobs_of_other_processes_fill_one_file(attnbench, tmp_path):
    where = ["--executor", "slurm", "--executor-option", "cluster=local", "--device", "cpu"]
    size = ["--attention", "dense,window", "--n-tokens", 16]
    code, out, _ = attnbench("sweep", *QUICK, *size, *where)
    records = store.read(tmp_path / "sweep.jsonl").records
    assert (code, len(records)) == (0, 2), out
    assert all(record.host for record in records)
    assert "2 already there" in attnbench("sweep", *QUICK, *size, *where)[1]
    assert [file.name for file in tmp_path.glob("sweep.jsonl.jobs/*")] == ["engine"]
