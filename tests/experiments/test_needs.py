"""A checkpoint says which plug-in and which data it needs."""

from dataclasses import replace

import pytest

from attnbench.errors import UserError
from attnbench.experiments.judge import judge
from attnbench.experiments.needs import data_of, refuse_missing_names
from attnbench.experiments.run import run
from attnbench.training.checkpoint import load


@pytest.fixture
def checkpoint(experiment, costs, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "attnbench.experiments.keeping.loaded_plugins", lambda: ("mine.py", "yours")
    )
    record = run(experiment(epochs=1))
    return load(tmp_path / record.run / "last.pt")


def test_the_plug_ins_of_the_run_are_remembered(checkpoint):
    assert tuple(checkpoint.plugins) == ("mine.py", "yours")
    refuse_missing_names(checkpoint)


@pytest.mark.parametrize("part", ["model", "attention", "task"])
def test_a_missing_name_says_which_plug_in_to_pass(checkpoint, data, part):
    other = replace(checkpoint, **{part: "nowhere"})
    text = f"the {part} 'nowhere', which is not registered here; pass --plugin mine.py --plugin"
    with pytest.raises(UserError, match=text):
        judge(other, data)
    with pytest.raises(UserError, match="pass the plug-in that registers it with --plugin"):
        refuse_missing_names(replace(other, plugins=()))


def test_data_that_has_moved_is_named(checkpoint, tmp_path):
    moved = replace(checkpoint, data="pictures/pets")
    with pytest.raises(UserError, match="trained on pictures/pets, which is not here; .*--data"):
        data_of(moved, None)
    assert data_of(moved, "digits") == "digits"
    assert data_of(replace(moved, data=str(tmp_path)), None) == str(tmp_path)
    assert data_of(replace(moved, data="digits"), None) == "digits"


def test_scores_on_other_images_say_so(checkpoint, data):
    record = judge(checkpoint, replace(data, name="elsewhere"))
    assert record.notes == ("scored on the held-out images of elsewhere",)
    assert record.scores.scored_on == "elsewhere val"
    assert judge(checkpoint, data).scores.scored_on == ""
