"""Submitit and Ray train a queue for real; a process that is killed loses nothing that it wrote."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from attnbench.errors import UserError
from attnbench.executors.named import executor_named

PROGRAM = Path(__file__).with_name("queue_twice.py")
ENGINES = [("slurm", ["cluster=local", "at_once=2", "timeout_min=5"]), ("ray", ["num_cpus=1"])]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), ENGINES)
def test_a_killed_run_costs_its_steps_since_the_checkpoint(name, options, pictures):
    told = subprocess.run(
        [sys.executable, str(PROGRAM), name, *options], check=True, capture_output=True, text=True,
        cwd=pictures.parent, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    lines = [line for line in told.stdout.splitlines() if line.startswith("{")]
    first, second = map(json.loads, lines)
    assert "small with window, seed 0 was lost: " in told.stderr
    clean = {"problems": 0, "hosts": 1, "left": 0}
    epochs = {"dense": [1, 2], "window": [1]}
    assert first == {"code": 1, "epochs": epochs, "ended": {"dense": 1}, **clean}, told.stderr
    epochs["window"].append(2)
    ended = {"dense": 1, "window": 1}
    assert second == {"code": 0, "epochs": epochs, "ended": ended, **clean}, told.stderr


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("slurm", {}, "slurm"),  # there is no sbatch on a machine for tests
        ("slurm", {"cluster": "cloud"}, "slurm or local"),
        ("slurm", {"cluster": "local", "colour": 1}, "colour"),
        ("slurm", {"cluster": "local", "at_once": 0}, "1 or more"),
    ],
)
def test_what_an_engine_does_not_take_is_refused(name, options, named, tmp_path):
    with pytest.raises(UserError, match=named):
        executor_named(name, tmp_path, options)
