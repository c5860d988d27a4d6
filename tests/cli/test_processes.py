"""Who works together: what the variables of torchrun and Slurm say, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from attnbench.cli.processes import PROGRAM, place_of, started_by
from attnbench.cli.slurm import first_host, torchs_variables
from attnbench.errors import UserError
from attnbench.profiling.machine.own_device import device_of
from attnbench.records import store
from attnbench.registry import MODELS
from attnbench.together import Place

TORCHRUN = {
    "RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "a", "MASTER_PORT": "1",
}  # fmt: skip
SRUN = {
    "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "11", "SLURM_PROCID": "8", "SLURM_LOCALID": "0",
    "SLURM_NODEID": "2", "SLURM_TASKS_PER_NODE": "4(x2),3", "SLURM_JOB_ID": "123456",
    "SLURM_JOB_NODELIST": "gpu[07-08,11],login",
}  # fmt: skip
TINY = """
import os
import signal

from attnbench.registry import register_model
from torch import nn

@register_model("tiny", family="mine")
def tiny(num_classes, img_size):
    pooled = nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, num_classes)
    return nn.Sequential(nn.Conv2d(3, 4, 4, 4), *pooled)

class Dying(nn.Module):
    def forward(self, images):
        if self.training and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return images

@register_model("dying", family="mine")
def dying(num_classes, img_size):
    return nn.Sequential(Dying(), tiny(num_classes, img_size))
"""


def test_places_are_those_of_torchrun_or_else_of_srun():
    place = Place(rank=5, size=8, local_rank=1, local_size=4)
    assert place_of(TORCHRUN) == place_of({**SRUN, **TORCHRUN}) == place
    assert place_of(SRUN) == Place(rank=8, size=11, local_size=3, sees_one_gpu=True)
    assert torchs_variables(place_of(SRUN), SRUN) == {
        "RANK": "8", "WORLD_SIZE": "11", "MASTER_ADDR": "gpu07", "MASTER_PORT": "23456",
    }  # fmt: skip
    for alone in ({}, {"RANK": "1"}, {**SRUN, "SLURM_STEP_NUM_TASKS": "1"}):
        assert place_of(alone) == Place()
    in_a_batch_script = {name: value for name, value in SRUN.items() if "STEP" not in name}
    assert place_of({**in_a_batch_script, "SLURM_NTASKS": "4"}) == Place()


@pytest.mark.parametrize(
    ("hosts", "first"),
    [("one", "one"), ("a1,a2", "a1"), ("n[3-9]", "n3"), ("n[003,7]-ib,x", "n003-ib")],
)
def test_the_first_machine_of_a_list(hosts, first):
    assert first_host(hosts) == first


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({**TORCHRUN, "RANK": "x"}, "variable RANK expected a whole number, got 'x'"),
        ({**SRUN, "SLURM_PROCID": ""}, "variable SLURM_PROCID expected a whole number, got ''"),
    ],
)
def test_variables_that_mean_nothing_are_named(changed, message):
    with pytest.raises(UserError, match=message):
        place_of(changed)
    with pytest.raises(UserError, match="set MASTER_ADDR"):
        first_host("")


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    taken = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.set_device", taken.append)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert device_of(Place(rank=3, size=4, local_rank=1, local_size=2), "auto").index == 1
    assert device_of(Place(rank=3, size=4, local_rank=1, local_size=4), "cpu").type == "cpu"
    with pytest.raises(UserError, match="expected at most 2 processes on this machine, .* got 3"):
        device_of(Place(size=3, local_size=3), "cuda")
    with pytest.raises(UserError, match="give --device cuda"):
        device_of(Place(size=2, local_size=2), "cuda:1")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    bound = Place(rank=3, size=4, local_rank=3, local_size=4, sees_one_gpu=True)
    assert device_of(bound, "cuda").index == 0
    assert [one.index for one in taken] == [1, 0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--nproc", "0"], "--nproc: expected a whole number from 1 to 1,024, got '0'"),
        (["--nproc", "3", "--batch-size", "2"], "--batch-size: expected at least 3"),
        (["--nproc", "2", "--pin"], "several processes take --threads N"),
        (["--shard"], "--shard: expected several processes to share the weights, got one"),
        (["--shard", "--nproc", "1"], "--shard: expected several processes"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_a_line(flags, message, attnbench):
    code, printed, err = attnbench("train", "vit-t", *flags)
    assert (code, printed) == (2, "")
    assert err.startswith(f"attnbench: {message}")
    assert err.count("\n") == 1


def test_processes_are_started_once(attnbench, monkeypatch):
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RANK", "0")
    code, _, err = attnbench("train", "vit-t", "--nproc", "2")
    assert (code, err.count("\n")) == (2, 1)
    assert "torchrun or srun has started 8 processes already; leave it out" in err
    code, _, err = attnbench("evaluate", "--predictions", "missing.json")
    assert (code, err.count("\n")) == (2, 1)
    assert "one process scores a file" in err
    assert started_by() == ["torchrun", "--nproc-per-node", "4", "-m", "attnbench"]


@pytest.mark.slow
def test_two_processes_train_as_a_user_starts_them(tmp_path):
    (tmp_path / "tiny.py").write_text(TINY)
    words = ["train", "tiny", "--epochs", "1", "--plugin", "tiny.py", "--nproc", "2"]
    trained = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(path=sys.path), *words],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (trained.returncode, trained.stderr.count("epoch   1")) == (0, 1)
    assert "[rank" not in trained.stderr
    assert trained.stdout.count("Stored in") == 1
    (last,) = Path(tmp_path, "results/runs/checkpoints").glob("*/last.pt")
    epoch, final = store.read(tmp_path / "results/runs/train.jsonl").records
    assert (epoch.progress.processes, final.scores.processes) == (2, 2)
    assert json.loads((last.parent / "run.json").read_text())["state"] == "finished"


@pytest.fixture
def forgotten_models():
    """Those of a plug-in are no longer there for the tests that follow."""
    before = dict(MODELS._entries)
    yield
    MODELS._entries.clear()
    MODELS._entries.update(before)


@pytest.mark.slow
def test_a_run_whose_process_is_killed_costs_itself(attnbench, pictures, forgotten_models):
    (pictures.parent / "tiny.py").write_text(TINY)
    code, printed, err = attnbench(
        "train", "dying", "tiny", "--plugin", "tiny.py", "--data", pictures, "--epochs", 1,
        "--nproc", 2,
    )  # fmt: skip
    assert (code, printed) == (1, "2 runs: 1 failed, 1 done\n"), err
    assert "dying, seed 0 failed: process 1 of 2 (from 0): " in err
    epoch, final = store.read(pictures.parent / "results/runs/train.jsonl").records
    assert (epoch.progress.processes, final.scores.processes) == (2, 2)
    assert epoch.host == final.host != ""
