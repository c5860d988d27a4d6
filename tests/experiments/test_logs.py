"""Curves of a run reach other programs, and a run that was stopped is logged as one."""

import csv
import os
import signal
import sys
from types import SimpleNamespace

import pytest

from attnbench.errors import Stopped, UserError
from attnbench.experiments.logs import NEEDS, open_log, require
from attnbench.experiments.run import run

pytestmark = pytest.mark.usefixtures("costs")


def rows(path):
    """What is told of the training itself: speed and memory differ from run to run."""
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    return [tuple(row.values()) for row in found if row["name"].split("/")[-1] in TOLD]


TOLD = ("loss", "lr", "epoch_loss", "top1", "top5")


def test_a_run_that_was_stopped_is_logged_as_one(experiment, tmp_path):
    whole = run(experiment(folder=tmp_path / "straight"), logs=["csv"])
    made = experiment()

    def stop(step):
        if step.done == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        run(made, logs=["csv"], on_step=stop, save_every_s=1000)
    log = tmp_path / made.name / "log.csv"
    with log.open("a") as file:  # of steps that were lost with a kill, and a torn row
        file.write("6,2,train/loss,9.0\n6,2,tr")
    run(made, resume=True, logs=["csv"])
    expected = rows(tmp_path / "straight" / whole.run / "log.csv")
    assert rows(log) == expected
    steps = [int(step) for step, _, name, _ in expected if name == "train/loss"]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert [name for _, _, name, _ in expected].count("val/top1") == 2


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_package_that_is_missing_is_named_with_what_to_do(name, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "attnbench.experiments.logs.find_spec", lambda one: None if one == NEEDS[name] else one
    )
    for act in (lambda: require(["csv", name]), lambda: open_log(name, tmp_path, {}, 0)):
        with pytest.raises(UserError, match=f"--log .* needs .* run `pip install {NEEDS[name]}`"):
            act()


@pytest.fixture
def programs(monkeypatch):
    """The three programs, as far as they are called; returns what they were told."""
    told = []

    def tell(name, result=None):
        return lambda *given, **more: told.append((name, given, more)) or result

    run = SimpleNamespace(log=tell("wandb.log"), finish=tell("wandb.finish"))
    writer = SimpleNamespace(add_scalar=tell("add_scalar"), close=tell("tensorboard.close"))
    modules = {
        "wandb": SimpleNamespace(init=tell("wandb.init", run)),
        "mlflow": SimpleNamespace(
            **{name: tell(f"mlflow.{name}") for name in ("set_experiment", "start_run",
                                                         "log_params", "log_metrics", "end_run")}
        ),
        "torch.utils.tensorboard": SimpleNamespace(SummaryWriter=tell("SummaryWriter", writer)),
    }  # fmt: skip
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("attnbench.experiments.logs.find_spec", lambda name: True)
    return told


def test_each_program_is_told_the_curves_and_the_end(experiment, programs):
    made = experiment(epochs=1)
    run(made, logs=["tensorboard", "wandb", "mlflow"])
    names = [name for name, _, _ in programs]
    assert names[-3:] == ["mlflow.end_run", "wandb.finish", "tensorboard.close"]
    init = next(more for name, _, more in programs if name == "wandb.init")
    assert (init["id"], init["resume"], init["config"]["epochs"]) == (made.name, "allow", 1)
    scored = [given for name, given, _ in programs if name == "add_scalar"]
    assert ("val/top1", 3) in [(given[0], given[2]) for given in scored]
    for name in ("wandb.log", "mlflow.log_metrics"):
        told = [(given[0].keys(), more["step"]) for one, given, more in programs if one == name]
        assert [step for _, step in told] == [1, 2, 3, 3]
        assert {"train/loss", "train/lr", "epoch"} <= told[0][0]
