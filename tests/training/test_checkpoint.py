import io
import os
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from attnbench.errors import UserError
from attnbench.records import Scores
from attnbench.training.checkpoint import VERSION, Checkpoint, load, save
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for
from attnbench.training.seal import sealed
from attnbench.training.weights import load_weights, restored


@pytest.fixture
def checkpoint(data, task, make_model) -> Checkpoint:
    recipe = recipe_for(data, epochs=1)
    return Checkpoint(
        model="tiny",
        attention="anchor",
        options={"num_anchors": 30, "depths": (2, 2), "impl": "reference", "bias": None},
        num_classes=data.num_classes,
        img_size=data.img_size,
        class_names=data.class_names,
        data=data.name,
        recipe=recipe,
        state=train(make_model(), data, task, recipe, device="cpu"),
        scores=Scores(
            task="classification",
            values={"top1": 0.5, "top5": 1.0, "loss": 1.25},
            count=21,
            forward_s=0.1,
        ),
    )


def test_what_was_saved_comes_back(checkpoint, tmp_path) -> None:
    path = tmp_path / "new" / "folder" / "last.pt"
    save(path, checkpoint)
    back = load(path)
    assert replace(back, state=checkpoint.state) == checkpoint
    assert (back.state.epochs, back.state.train_s) == (1, checkpoint.state.train_s)
    for name, value in checkpoint.state.model.items():
        assert torch.equal(back.state.model[name], value)
    moments = checkpoint.state.optimizer["state"]
    assert back.state.optimizer["state"].keys() == moments.keys()
    assert torch.equal(back.state.optimizer["state"][0]["exp_avg"], moments[0]["exp_avg"])
    assert os.listdir(path.parent) == ["last.pt"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failing_write_leaves_the_older_file_and_nothing_else(
    checkpoint, tmp_path, monkeypatch, function
) -> None:
    path = tmp_path / "last.pt"
    save(path, checkpoint)

    def disk_full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, disk_full)
    with pytest.raises(UserError, match=r"cannot write the checkpoint.*No space left"):
        save(path, replace(checkpoint, model="newer"))
    assert load(path).model == "tiny"
    assert os.listdir(tmp_path) == ["last.pt"]


def test_a_folder_that_cannot_be_made_is_one_line(checkpoint, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write the checkpoint"):
        save(tmp_path / "file" / "last.pt", checkpoint)


def test_missing_file(tmp_path) -> None:
    with pytest.raises(UserError, match="got no such file"):
        load(tmp_path / "none.pt")


@pytest.mark.parametrize("keep", [0, 1, 100, -100])
def test_torn_file(checkpoint, tmp_path, keep) -> None:
    path = tmp_path / "last.pt"
    save(path, checkpoint)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"last\.pt: expected a checkpoint.*got \d+ bytes"):
        load(path)


class Stranger:
    """A pickle of this runs code of its own: it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def foreign_text(path: Path) -> None:
    path.write_text("epoch,loss\n1,0.5\n")


def foreign_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Stranger(path.with_name("made"))))


def foreign_torch(path: Path) -> None:
    torch.save({"state_dict": {"weight": torch.ones(2)}}, path)


def foreign_tensor(path: Path) -> None:
    torch.save(torch.ones(3), path)


@pytest.mark.parametrize("write", [foreign_text, foreign_pickle, foreign_torch, foreign_tensor])
def test_foreign_file(tmp_path, write) -> None:
    path = tmp_path / "foreign.pt"
    write(path)
    with pytest.raises(UserError, match=r"foreign\.pt: expected a checkpoint") as error:
        load(path)
    assert "\n" not in str(error.value)
    assert os.listdir(tmp_path) == ["foreign.pt"]


def payload_of(checkpoint: Checkpoint, folder: Path) -> dict[str, Any]:
    save(folder / "current.pt", checkpoint)
    return torch.load(folder / "current.pt", weights_only=True)


def test_any_flipped_bit_is_refused(checkpoint, tmp_path) -> None:
    path, chance = tmp_path / "last.pt", Random(0)
    save(path, checkpoint)
    content = path.read_bytes()
    bits = [*range(8 * len(content) - 8 * 80, 8 * len(content), 7)]  # the seal
    for bit in bits + [chance.randrange(8 * len(content)) for _ in range(100)]:
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(UserError, match=r"last\.pt: expected a checkpoint.*train again"):
            load(path)


def older(path: Path, payload: dict[str, Any]) -> bytes:
    """The bytes of a checkpoint as versions without a seal wrote it."""
    torch.save({**payload, "version": 2}, path)
    return path.read_bytes()


def test_damage_of_an_older_one_is_refused_or_changes_nothing(checkpoint, tmp_path) -> None:
    path, chance = tmp_path / "last.pt", Random(0)
    content = older(path, payload_of(checkpoint, tmp_path))
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 1, 9])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged[: chance.choice([None, None, chance.randrange(len(content))])])
        try:
            back = load(path)
        except UserError:
            refused += 1
        else:
            assert replace(back, state=checkpoint.state) == checkpoint
            for name, value in checkpoint.state.model.items():
                assert torch.equal(back.state.model[name], value)
    assert refused > 75


def test_an_older_one_without_a_seal_loads(checkpoint, tmp_path) -> None:
    older(tmp_path / "older.pt", payload_of(checkpoint, tmp_path))
    assert load(tmp_path / "older.pt").scores == checkpoint.scores


def test_one_that_lost_its_seal_is_refused(checkpoint, tmp_path) -> None:
    torch.save(payload_of(checkpoint, tmp_path), tmp_path / "last.pt")
    with pytest.raises(UserError, match="its checksum is missing"):
        load(tmp_path / "last.pt")


def parts_of(payload: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the parts of a payload are; those of the optimizer are tested beside it."""
    if place:
        yield place
    if isinstance(payload, dict) and place not in (("state", "optimizer"), ("options",)):
        for name, value in payload.items():
            yield from parts_of(value, (*place, name))


WRONG = ["x", [1], {"a": 1}, None, -1, float("inf"), float("nan"), 10**30, torch.ones(2), True]


def is_like(right: Any, wrong: Any) -> bool:
    """Whether the wrong value may stand there: a text for a text, a tensor for a tensor."""
    if type(wrong) in (int, float):  # no count is below zero or so large, no number infinite
        return type(right) is float and type(wrong) is int
    return isinstance(wrong, type(right))


def test_a_part_of_a_wrong_type_is_refused_in_a_line(checkpoint, tmp_path) -> None:
    payload, path = payload_of(checkpoint, tmp_path), tmp_path / "wrong.pt"
    for place in parts_of(payload):
        for wrong in WRONG:
            path.write_bytes(sealed(bytes_of(with_part(payload, place, wrong))))
            undefined = wrong is None and (
                place[:-1] == ("scores", "values") or place == ("scores",)
            )
            listed = type(wrong) is list and place[-1] == "mask_values"
            if undefined or listed or is_like(part(payload, place), wrong):
                continue
            with pytest.raises(UserError) as caught:
                load(path)
            assert "\n" not in str(caught.value), place


def bytes_of(payload: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(payload, buffer)
    return buffer.getvalue()


def part(payload: Any, place: tuple[Any, ...]) -> Any:
    return part(payload[place[0]], place[1:]) if place else payload


def with_part(payload: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    return {**payload, place[0]: with_part(payload[place[0]], place[1:], value)}


@pytest.mark.parametrize("options", [{"a": torch.ones(1)}, {"a": float("inf")}, {1: 2}, {"a": {2}}])
def test_options_are_plain_values(checkpoint, tmp_path, options) -> None:
    payload = {**payload_of(checkpoint, tmp_path), "options": options}
    (tmp_path / "odd.pt").write_bytes(sealed(bytes_of(payload)))
    with pytest.raises(UserError, match="options|key"):
        load(tmp_path / "odd.pt")


def test_places_that_hold_no_file_are_named(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path / "pipe", "a named pipe"), (tmp_path, "a folder")):
        with pytest.raises(UserError, match=f"expected a file, got {what}"):
            load(path)


def test_newer_version(checkpoint, tmp_path) -> None:
    payload = payload_of(checkpoint, tmp_path)
    torch.save({**payload, "version": VERSION + 1}, tmp_path / "newer.pt")
    with pytest.raises(UserError, match="got version 5, and this attnbench reads 1 to 4"):
        load(tmp_path / "newer.pt")


def test_version_1_is_read_as_what_it_meant(checkpoint, tmp_path) -> None:
    payload = payload_of(checkpoint, tmp_path)
    scores = payload.pop("scores")
    del payload["task"]
    payload |= {
        "version": 1,
        "img_size": 9,
        "recipe": {**payload["recipe"], "img_size": 9},
        "accuracy": {
            "top1": 0.5, "top5": 1.0, "loss": 1.25, "images": 21, "forward_s": scores["forward_s"],
        },
    }  # fmt: skip
    torch.save(payload, tmp_path / "first.pt")
    back = load(tmp_path / "first.pt")
    assert replace(back, state=checkpoint.state) == checkpoint
    assert (back.task, back.img_size, back.recipe.img_size) == ("classification", (9, 9), (9, 9))
    for name, value in checkpoint.state.model.items():
        assert torch.equal(back.state.model[name], value)


@pytest.mark.parametrize("lost", ["recipe", "scores", "img_size", "model"])
@pytest.mark.parametrize("version", [1, 2])
def test_missing_part(checkpoint, tmp_path, lost, version) -> None:
    payload = payload_of(checkpoint, tmp_path)
    if version == 1:
        payload["accuracy"] = {"top1": 0, "top5": 0, "loss": 0, "images": 1, "forward_s": 1}
        lost = {"scores": "accuracy"}.get(lost, lost)
    del payload[lost]
    torch.save({**payload, "version": version}, tmp_path / "part.pt")
    with pytest.raises(UserError, match=rf"part\.pt: expected a checkpoint.*wrong parts.*{lost}"):
        load(tmp_path / "part.pt")


def test_weights_fill_a_model_built_alike(checkpoint, make_model) -> None:
    model = make_model(seed=9)
    load_weights(model, checkpoint)
    for name, value in model.state_dict().items():
        assert torch.equal(value, checkpoint.state.model[name])


def test_other_shapes_are_refused_by_name(checkpoint, make_model) -> None:
    with pytest.raises(
        UserError, match=r"another model: parameter 0\.weight should have shape \(5"
    ):
        load_weights(make_model(width=5), checkpoint)


def test_other_names_are_refused(checkpoint, make_model) -> None:
    model = make_model()
    with pytest.raises(UserError, match=r"another model: its parameter 5\.weight is not in"):
        load_weights(model[:5], checkpoint)
    with pytest.raises(UserError, match=r"another model: it has no parameter 6\.weight"):
        load_weights(model.append(torch.nn.Linear(7, 7)), checkpoint)


def test_another_type_of_number_is_refused(checkpoint, make_model) -> None:
    with pytest.raises(
        UserError, match=r"0\.weight should be torch\.float64, it is torch\.float32"
    ):
        load_weights(make_model().double(), checkpoint)


def test_a_model_that_cannot_be_built_is_one_line(checkpoint) -> None:
    def build() -> torch.nn.Module:
        raise TypeError("depth must be a number")

    with pytest.raises(UserError, match=r"tiny cannot be built with the options of the checkpoint"):
        restored(checkpoint, build)
