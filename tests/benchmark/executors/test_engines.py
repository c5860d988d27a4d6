"""Submitit and Ray run jobs for real; one that is killed loses nothing that it wrote."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from attnbench.benchmark.executors.named import executor_named
from attnbench.errors import UserError

PROGRAM = Path(__file__).with_name("killed_job.py")
ENGINES = [("slurm", {"cluster": "local", "at_once": 2, "timeout_min": 5}), ("ray", {})]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), ENGINES)
def test_a_killed_job_costs_what_it_had_not_written(name, options, tmp_path):
    told = subprocess.run(
        [sys.executable, str(PROGRAM), name, json.dumps(options), str(tmp_path)],
        check=True, capture_output=True, text=True, cwd=Path.cwd(),
    )  # fmt: skip
    first, second = map(json.loads, told.stdout.splitlines()[-2:])
    assert [*first["lost"]] == ["bad"]
    assert first["lost"]["bad"]  # a reason
    assert first["widths"] == [4, 5, 6]
    assert second == {"lost": {}, "widths": [4, 5, 6, 7], "problems": 0, "left": 0}


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
