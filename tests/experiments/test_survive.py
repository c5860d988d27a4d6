"""A run that is stopped goes on to the bit; whatever ends it, what was saved is kept and said."""

import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from attnbench.benchmark.claims import Claims
from attnbench.errors import Stopped, UserError
from attnbench.experiments.resume import BusyError
from attnbench.experiments.run import run
from attnbench.experiments.status import CLAIMS, all_runs, read_status
from attnbench.training.checkpoint import load
from attnbench.training.loop import Step

pytestmark = pytest.mark.usefixtures("costs")


def at_step(number, act):
    def on_step(step: Step) -> None:
        if step.done == number:
            act()

    return on_step


def send(name):
    return lambda: os.kill(os.getpid(), getattr(signal, name))


def weights_of(experiment, result):
    return load(experiment.folder / result.run / "last.pt").state.model


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_saves_and_stops_and_the_run_goes_on_to_the_bit(experiment, tmp_path, name):
    straight = experiment(folder=tmp_path / "straight")
    whole = run(straight)
    before, made = signal.getsignal(getattr(signal, name)), experiment()
    with pytest.raises(Stopped, match=rf"stopped by {name}; {made.name} is saved at") as stop:
        run(made, on_step=at_step(2, send(name)))
    assert str(stop.value).endswith("epoch 0 of 2, and 2 steps")
    assert stop.value.signal == getattr(signal, name)
    assert signal.getsignal(getattr(signal, name)) == before
    assert read_status(tmp_path / made.name).state == "stopped"
    steps = []
    resumed = run(made, resume=True, on_step=lambda step: steps.append(step.done))
    assert steps == [3, 4, 5, 6]
    assert resumed.scores.values == whole.scores.values
    expected = weights_of(straight, whole)
    for label, value in weights_of(made, resumed).items():
        assert torch.equal(value, expected[label])


def test_a_second_ctrl_c_does_not_wait(experiment):
    def twice():
        send("SIGINT")()
        send("SIGINT")()

    with pytest.raises(KeyboardInterrupt) as stop:
        run(experiment(), on_step=at_step(1, twice))
    assert not isinstance(stop.value, Stopped)


def test_a_signal_during_the_last_evaluation_stops_before_the_cost_is_measured(experiment, costs):
    def during_the_last(record):
        if getattr(record, "progress", None) and record.progress.epoch == 2:
            send("SIGTERM")()

    with pytest.raises(Stopped, match="epoch 2 of 2$"):
        run(experiment(), on_record=during_the_last)
    assert costs == []
    assert run(experiment(), resume="auto", on_step=pytest.fail).status == "ok"


def test_states_are_saved_as_often_as_asked(experiment, tmp_path):
    made, seen = experiment(), []
    last, previous = (tmp_path / made.name / name for name in ("last.pt", "previous.pt"))

    def look(step: Step) -> None:
        seen.append((last.exists() and load(last).state.step, previous.exists()))

    run(made, on_step=look, save_every_s=0)
    assert seen == [(False, False), (1, False), (2, True), (0, True), (1, True), (2, True)]
    assert sorted(os.listdir(last.parent)) == [
        "best.pt", "last.pt", "previous.pt", "run.json", "weights.safetensors",
    ]  # fmt: skip


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(experiment, tmp_path):
    whole = run(experiment(folder=tmp_path / "straight"))
    made, notes, steps = experiment(), [], []
    with pytest.raises(Stopped):
        run(made, on_step=at_step(5, send("SIGTERM")), save_every_s=0)
    last = tmp_path / made.name / "last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    resumed = run(
        made, resume="auto", on_note=notes.append, on_step=lambda step: steps.append(step.done)
    )
    (note,) = notes
    assert note.endswith("previous.pt, the one before it, is used: epoch 1 of 2, and 1 step")
    assert steps == [5, 6]
    assert resumed.scores.values == whole.scores.values


def test_auto_starts_what_is_not_there_and_goes_on_with_what_is(experiment, tmp_path):
    first = run(experiment(), resume="auto")
    assert run(experiment(), resume="auto").run == first.run
    renamed = f"{first.run.rpartition('-')[0]}-0ld0ld"  # as an earlier version had named it
    (tmp_path / first.run).rename(tmp_path / renamed)
    assert run(experiment(), resume="auto").run == renamed
    assert run(experiment(epochs=1), resume="auto").run not in (first.run, renamed)


def test_a_run_that_diverges_names_what_is_kept(experiment, tmp_path, monkeypatch):
    made = experiment()

    def spoil(step: Step) -> None:
        if step.done == 4:
            monkeypatch.setattr("attnbench.training.losses.isfinite", lambda value: False)

    with pytest.raises(UserError, match=r"diverged at epoch 2 .*last\.pt holds epoch 1 of 2$"):
        run(made, on_step=spoil)
    status = read_status(tmp_path / made.name)
    assert (status.state, status.epoch) == ("failed", 1)
    assert "diverged" in status.reason
    assert load(tmp_path / made.name / "best.pt").state.epochs == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "memory ran out"),
        (RuntimeError("DataLoader worker (pid 7) is killed"), "a process that reads images"),
    ],
)
def test_what_a_user_can_mend_is_a_line(experiment, error, words):
    def fail():
        raise error

    with pytest.raises(UserError, match=words):
        run(experiment(), on_step=at_step(1, fail))


def test_a_run_is_trained_by_one_process_at_a_time(experiment, tmp_path):
    made = experiment()
    with Claims(tmp_path / CLAIMS) as claims, claims.held([made.name]):
        with pytest.raises(BusyError, match="trained by another process"):
            run(made, resume="auto")
        assert run(made).run == f"{made.name}-2"  # started anew, it takes another folder


def test_weights_are_written_for_other_programs(experiment, tmp_path):
    result = run(experiment(epochs=1))
    path = tmp_path / result.run / "weights.safetensors"
    written, saved = load_file(path), load(path.with_name("last.pt")).state.model
    assert written.keys() == saved.keys()
    assert all(torch.equal(value, saved[name]) for name, value in written.items())
    with safe_open(path, "pt") as file:
        about = file.metadata()
    assert (about["model"], about["run"], about["classes"]) == ("tiny", result.run, "a\nb\nc")


def test_runs_are_listed_with_their_states(experiment, tmp_path):
    done = run(experiment(epochs=1), command="again")
    stopped = experiment(options={"attention": "window"})
    with pytest.raises(Stopped):
        run(stopped, on_step=at_step(4, send("SIGTERM")), command="attnbench train tiny")
    old = run(experiment(epochs=1, options={"attention": "sparse"}))
    (tmp_path / old.run / "run.json").unlink()  # as earlier versions left it
    killed = tmp_path / "killed"
    killed.mkdir()
    torn = json.loads((tmp_path / stopped.name / "run.json").read_text())
    (killed / "run.json").write_text(json.dumps({**torn, "run": "killed", "state": "running"}))
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text("{")
    found = {status.run: status for status in all_runs(tmp_path)}
    assert {name: (one.state, one.epoch, one.step) for name, one in found.items()} == {
        done.run: ("finished", 1, 0),
        stopped.name: ("stopped", 1, 1),
        old.run: ("finished", 1, 0),
        "killed": ("stopped", 1, 1),
    }
    assert found[done.run].best == done.scores.values["top1"]
    assert found[stopped.name].command == "attnbench train tiny"
    with Claims(tmp_path / CLAIMS) as claims, claims.held(["killed"]):
        assert {one.run: one.state for one in all_runs(tmp_path)}["killed"] == "running"


def test_best_is_the_best_of_all_epochs(experiment, monkeypatch, tmp_path):
    scores = iter([0.2, 0.9, 0.5])

    def scored(*given, **more):
        from attnbench.training.evaluate import evaluate

        found = evaluate(*given, **more)
        return replace(found, values={**found.values, "top1": next(scores)})

    monkeypatch.setattr("attnbench.training.loop.evaluate", scored)
    result = run(experiment(epochs=3))
    (status,) = all_runs(tmp_path)
    assert (status.best, status.score) == (0.9, 0.5)
    best = load(tmp_path / result.run / "best.pt")
    assert (best.state.epochs, best.scores.values["top1"]) == (2, 0.9)
