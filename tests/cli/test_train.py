"""Queues of runs share one call, and go on; signals stop a run in good order."""

import os
import re
import shlex
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from torch import nn

from attnbench.benchmark.claims import Claims
from attnbench.benchmark.runner import open_record
from attnbench.records import store
from attnbench.registry import MODELS, register_model
from attnbench.spec import Protocol
from attnbench.training.step import Stepper

RUNS = "results/runs/checkpoints"


def small(num_classes, img_size, *, attention="dense", attention_options=None):
    from attnbench.models.pyramid import Pyramid

    return Pyramid(
        num_classes, img_size, attention=attention, attention_options=attention_options,
        dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), head_width=8, stem_stride=2,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A small model by name, whose cost is not measured."""
    register_model("small", family="mine")(small)
    monkeypatch.setattr(
        "attnbench.experiments.run.trained_cost",
        lambda model, workload, device: open_record(workload, Protocol(), device),
    )
    yield
    del MODELS._entries["small"]


@pytest.fixture
def train(attnbench, folder):
    return partial(attnbench, "train", "small", "--data", folder, "--epochs", 1)


def names(tmp_path):
    return sorted(path.parent.name for path in (tmp_path / RUNS).glob("*/last.pt"))


def stop_at(monkeypatch, number, name="SIGTERM"):
    """Send a signal to this process after a number of steps of all runs."""
    step, count = Stepper.step, iter(range(1, 1000))

    def stopping(*given):
        if next(count) == number:
            os.kill(os.getpid(), getattr(signal, name))
        return step(*given)

    monkeypatch.setattr(Stepper, "step", stopping)


def test_a_queue_trains_all_and_the_second_call_nothing(train, tmp_path):
    asked = ("--attention", "dense,window", "--seeds", "0,1")
    code, out, err = train(*asked)
    assert code == 0, err
    assert out == "4 runs: 4 done\n"
    assert re.search(r"small-window-pictures-seed1-\w+ is done: top-1 accuracy", err)
    assert len(names(tmp_path)) == 4
    models = store.read(tmp_path / "results/runs/train.jsonl").models
    assert [(one.workload.attention, one.recipe.seed) for one in models] == [
        ("dense", 0), ("window", 0), ("dense", 1), ("window", 1),
    ]  # fmt: skip
    code, out, err = train(*asked)
    assert (code, out) == (0, "4 runs: 4 already there\n")
    assert len(store.read(tmp_path / "results/runs/train.jsonl").models) == 4


def test_a_run_that_is_stopped_costs_itself_and_goes_on_where_it_was(train, tmp_path, monkeypatch):
    asked = ("--seeds", "0,1,2", "--batch-size", 8)
    with monkeypatch.context() as patch:
        stop_at(patch, 5)  # in the second run: each has three steps
        code, out, err = train(*asked)
    assert (code, out) == (1, "3 runs: 2 done, 1 stopped\n")
    assert "small, seed 1 ended early: stopped by SIGTERM; small-pictures-seed1" in err
    assert "is saved at epoch 0 of 1, and 2 steps" in err
    code, out, err = train(*asked)
    assert (code, out) == (0, "3 runs: 2 already there, 1 done\n")
    assert len(names(tmp_path)) == 3


def test_a_run_that_fails_costs_itself_and_is_named(train, tmp_path):
    code, out, err = train("--attention", "dense,window", "--option", "window_size=3")
    assert (code, out) == (1, "2 runs: 1 failed, 1 done\n")
    assert "small with dense, seed 0 failed: " in err
    assert "Traceback" not in err


def test_a_run_of_another_process_is_passed_over(train, tmp_path):
    train("--seeds", "0")
    (name,) = names(tmp_path)
    (tmp_path / RUNS / name).rename(tmp_path / "away")
    with Claims(tmp_path / RUNS / "runs") as claims, claims.held([name]):
        code, out, _ = train("--seeds", "0,1")
    assert (code, out) == (0, "2 runs: 1 with another process, 1 done\n")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_ends_a_run_with_its_code_and_the_command_that_goes_on(
    attnbench, train, tmp_path, monkeypatch, name
):
    with monkeypatch.context() as patch:
        stop_at(patch, 2, name)
        code, out, err = train("--batch-size", 8)
    assert (code, out) == (128 + getattr(signal, name), "")
    assert "Traceback" not in err
    again = err.partition("go on with: ")[2].splitlines()[0]
    assert again.endswith("--auto-resume")
    code, _, err = attnbench(*shlex.split(again)[1:])
    assert code == 0, err
    assert len(names(tmp_path)) == 1


def test_runs_are_listed_with_how_they_go_on(attnbench, train, tmp_path, monkeypatch):
    code, _, err = attnbench("runs")
    assert (code, "expected a folder with runs of" in err) == (2, True)
    with monkeypatch.context() as patch:
        stop_at(patch, 5)
        train("--seeds", "0,1", "--batch-size", 8)
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = attnbench("runs")
    assert code == 0
    done, stopped = (line for line in out.splitlines() if line.startswith(("small-", " small-")))
    assert "finished after 1 epoch " in done
    assert "top-1 accuracy" in done
    assert "stopped at epoch 0 of 1 and 2 steps" in stopped
    assert attnbench("runs", RUNS)[1] == attnbench("runs", Path(RUNS).parent)[1] == out
    again = out.splitlines()[-1].partition("To go on: ")[2]
    assert attnbench(*shlex.split(again)[1:])[1] == "2 runs: 1 already there, 1 done\n"
    assert "stopped" not in attnbench("runs")[1]


def test_details_of_a_classifier_are_shown_and_written(attnbench, train, tmp_path):
    train()
    (name,) = names(tmp_path)
    code, out, err = attnbench("evaluate", f"{RUNS}/{name}/best.pt", "--details")
    assert code == 0, err
    assert "Expected calibration error: " in out
    written = (tmp_path / "results/runs/outcomes" / name / "pictures-val/classes.csv").read_text()
    assert [line.split(",")[:2] for line in written.splitlines()[1:]] == [
        ["dark", "6"],
        ["light", "6"],
    ]
    assert (tmp_path / "results/runs/outcomes" / name / "pictures-val/confusion.png").exists()


def plain(num_classes, img_size):
    """Without annotations that these tests check: the checks are in the way of the compiler."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, num_classes))


def test_a_compiled_run_says_so_and_is_the_same_run(train, monkeypatch, tmp_path):
    monkeypatch.setattr("attnbench.training.compiling.COMPILER", "eager")
    monkeypatch.setitem(MODELS._entries, "small", replace(MODELS.find("small"), target=plain))
    code, _, err = train("--compile", "--batch-size", 24)
    assert code == 0, err
    records = store.read(tmp_path / "results/runs/train.jsonl")
    assert [epoch.progress.compiler for epoch in records.epochs] == ["eager"]
    assert (
        "trained and scored through torch.compile (eager); measured without it"
        in records.models[0].notes
    )
    code, _, err = train("--resume", "--batch-size", 24)
    assert code == 0, err
    assert len(names(tmp_path)) == 1


def test_auto_resume_starts_what_is_not_there(train, tmp_path):
    for _ in range(2):
        code, _, err = train("--auto-resume")
        assert code == 0, err
    assert len(names(tmp_path)) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seed", "1", "--seeds", "2"], "exclude each other"),
        (["--seeds", "0,x"], "--seeds: expected a whole number"),
        (["--seeds", ","], "--seeds: expected a whole number"),
        (["--attention", "dense,windw"], "did you mean window"),
        (["smal"], "did you mean small"),
        (["--save-every", "-1"], "--save-every: expected a number from 0"),
        (["--executor", "pbs"], "--executor must be one of local, slurm, ray"),
        (["--executor", "slurm"], "--device cpu or cuda"),
        (["--executor", "slurm", "--device", "cuda:0,cuda:1"], "--device cpu or cuda"),
        (["--executor", "slurm", "--device", "cpu"], "--executor slurm: "),  # no sbatch here
        (["--executor", "ray", "--device", "cpu", "--jobs", "2"], "--jobs is for --executor local"),
        (["--executor-option", "at_once=2"], "--executor slurm or ray"),
        (["--jobs", "0"], "--jobs: expected a whole number from 1"),
        (["--nproc", "2", "--seeds", "0,1", "--jobs", "2"], "leave out one of the two"),
        (["--device", "cuda:0,cuda:1"], "one run at a time takes one device"),
        (["--device", "cpu,cuda:1"], "--device: expected one device, or GPUs"),
    ],
)
def test_slips_are_refused_before_any_run(train, tmp_path, words, message):
    code, out, err = train(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / RUNS).exists()


def test_a_module_is_a_command(tmp_path):
    from attnbench import __main__, cli

    assert __main__.main is cli.main


def test_a_dry_run_prints_a_recipe_that_is_read_back_and_stores_nothing(train, tmp_path):
    from attnbench.training.recipe_file import read_recipe

    code, out, err = train("--seeds", "0,1", "--lr", "0.002", "--dry-run")
    assert code == 0
    assert "seed1" in " ".join(err.split())
    assert "held-out images resolve with 80 % probability" in " ".join(err.split())
    (tmp_path / "recipe.toml").write_text(out)
    assert read_recipe(tmp_path / "recipe.toml")["lr"] == 0.002
    assert not list(tmp_path.rglob("*.jsonl"))
    assert names(tmp_path) == []


def test_after_two_models_were_trained_a_dry_run_says_what_was_seen(train):
    code, _, err = train("--attention", "dense,window")
    assert code == 0, err
    code, _, err = train("--dry-run")
    assert "as seen in the 2 models trained here" in " ".join(err.split())
