"""Run commands in a temporary folder, as a user types them.

They measure and train in the process of the tests, because a new one takes seconds to import torch.
`tests/cases/plugins` and the tests that start `cli.py` measure in another, as users do.
"""

import sys
from contextlib import nullcontext

import pytest
from jobs_here import run_here

from attnbench import plugins
from attnbench.cli import main
from attnbench.cli.show import progress


def measure_here(worker, workloads, protocol, on_step):
    """In place of `Worker.measure`."""
    from attnbench.benchmark.runner import profile

    return profile(workloads, protocol, worker._device, on_step=on_step)


@pytest.fixture(autouse=True)
def quick_costs(monkeypatch):
    """What a trained model costs is measured in no time; `tests/experiments` measures it."""
    from attnbench.profiling.memory.high_water import unknown
    from attnbench.spec import Protocol

    quick = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)
    monkeypatch.setattr("attnbench.experiments.cost.COST_PROTOCOL", quick)
    monkeypatch.setattr(
        "attnbench.experiments.cost.measure_resident", lambda *_, **__: unknown("not asked here")
    )


@pytest.fixture(autouse=True)
def quick_counts(monkeypatch):
    """Whole models are counted by torch's counter alone, as in tests of `reproduce`."""
    from attnbench.profiling.counting.macs import count_macs
    from attnbench.profiling.counting.torch_count import count_by_torch

    def count(module, inputs, arguments, closed_form, *more, **others):
        if closed_form is None:
            return count_by_torch(module, inputs, arguments)
        return count_macs(module, inputs, arguments, closed_form, *more, **others)

    monkeypatch.setattr("attnbench.benchmark.counts.count_macs", count)


@pytest.fixture
def attnbench(tmp_path, monkeypatch, capsys):
    """Runs a command line; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("attnbench.benchmark.worker.started", nullcontext)
    monkeypatch.setattr("attnbench.benchmark.worker.Worker.measure", measure_here)
    monkeypatch.setattr("attnbench.executors.local.Local.run", run_here)
    monkeypatch.setattr(plugins, "_loaded_plugins", [])  # those of other tests are gone
    monkeypatch.setattr(progress, "EVERY_S", float("inf"))  # no word on a slow machine either

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["attnbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def folder(pictures):
    """Two classes of tiny pictures, laid out as users have them."""
    return pictures
