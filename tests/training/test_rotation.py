"""Of a run three checkpoints are kept; where the last is damaged, the one before stands in."""

import os
from dataclasses import replace

import pytest
import torch

from attnbench.errors import UserError
from attnbench.records import Scores
from attnbench.training.checkpoint import Checkpoint, TrainState, load
from attnbench.training.recipe import recipe_for
from attnbench.training.rotation import Rotation, ranked


@pytest.fixture
def at(data):
    """A checkpoint after some epochs, with a score."""

    def make(epochs: int, top1: float | None = None, step: int = 0) -> Checkpoint:
        values = {"top1": top1, "top5": 1.0, "loss": 1.0}
        return Checkpoint(
            model="tiny", attention="", options={}, num_classes=7, img_size=(9, 9),
            class_names=data.class_names, data=data.name, recipe=recipe_for(data, epochs=9),
            state=TrainState(epochs=epochs, step=step, model={"a": torch.full((2,), epochs)},
                             optimizer={"state": {}}, train_s=1.0),
            scores=Scores(task="classification", values=values, count=3, forward_s=1.0),
        )  # fmt: skip

    return make


def epochs_in(folder):
    return {name: load(folder / name).state.epochs for name in sorted(os.listdir(folder))}


def test_the_last_two_and_the_best_are_kept(at, tmp_path):
    rotation = Rotation(tmp_path)
    for epochs, top1 in enumerate((0.2, 0.5, 0.5, None, 0.4), start=1):
        rotation.save_best(at(epochs, top1))
        rotation.save(at(epochs, top1))
    assert epochs_in(tmp_path) == {"best.pt": 2, "last.pt": 5, "previous.pt": 4}
    assert load(tmp_path / "best.pt").state.optimizer == {}


def test_a_run_that_goes_on_keeps_what_was_best(at, tmp_path):
    first = Rotation(tmp_path)
    first.save_best(at(1, 0.5))
    first.save(at(1, 0.5))
    again = Rotation(tmp_path)
    assert again.load()[1] == ""
    again.save_best(at(2, 0.4))
    again.save(at(2, 0.4))
    assert epochs_in(tmp_path) == {"best.pt": 1, "last.pt": 2, "previous.pt": 1}


@pytest.mark.parametrize("left", [None, 0, 100])
def test_where_the_last_is_damaged_the_one_before_is_used_and_kept(at, tmp_path, left):
    rotation = Rotation(tmp_path)
    for step in (1, 2):
        rotation.save(at(3, step=step))
    if left is None:
        rotation.last.unlink()
    else:
        rotation.last.write_bytes(rotation.last.read_bytes()[:left])
    again = Rotation(tmp_path)
    found, note = again.load()
    assert found.state.step == 1
    assert note.endswith(
        "last.pt is damaged or missing; previous.pt, the one before it, is used: epoch 3 of 9, "
        "and 1 step"
    )
    again.save(at(4))  # the damaged file does not take the place of the whole one
    assert epochs_in(tmp_path) == {"last.pt": 4, "previous.pt": 3}


def test_nothing_whole_is_refused_by_the_name_of_the_last(at, tmp_path):
    rotation = Rotation(tmp_path)
    for epochs in (1, 2):
        rotation.save(at(epochs))
    for path in (rotation.last, rotation.previous):
        path.write_bytes(b"torn")
    with pytest.raises(UserError, match=r"last\.pt: expected a checkpoint"):
        Rotation(tmp_path).load()


def test_a_full_disk_leaves_what_is_there(at, tmp_path, monkeypatch):
    rotation = Rotation(tmp_path)
    for epochs in (1, 2):
        rotation.save(at(epochs))

    def disk_full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(UserError, match="No space left"):
        rotation.save(at(3))
    with pytest.raises(UserError, match="No space left"):
        rotation.save_best(at(3, 0.9))
    assert epochs_in(tmp_path) == {"last.pt": 2, "previous.pt": 1}


def test_without_second_names_the_file_is_renamed(at, tmp_path, monkeypatch):
    def refuse(*args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    rotation = Rotation(tmp_path)
    for epochs in (1, 2, 3):
        rotation.save(at(epochs))
    assert epochs_in(tmp_path) == {"last.pt": 3, "previous.pt": 2}


def test_higher_ranks_above_lower_and_nothing_ranks_nowhere(at):
    assert ranked(at(1, 0.5).scores) > ranked(at(1, 0.4).scores)
    assert ranked(at(1).scores) is None
    assert ranked(None) is None
    odd = replace(at(1, 0.5).scores, task="of a plug-in")
    assert ranked(odd) is None
