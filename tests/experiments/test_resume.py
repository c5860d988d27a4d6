"""A resume goes on with its own run, or names the one that there is and what differs."""

from dataclasses import replace

import pytest

from attnbench.errors import UserError
from attnbench.experiments.run import run


def refusal(experiment) -> str:
    with pytest.raises(UserError) as error:
        run(experiment, resume=True)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_other_epochs_are_named_with_the_run_and_what_to_do(experiment, costs):
    first = run(experiment(epochs=2))
    text = refusal(experiment(epochs=4))
    assert f"no checkpoint of this run, but one of {first.run}, which is at epoch 2 of 2" in text
    assert "--epochs 2, asked for 4 (epochs set the schedule" in text
    assert "give its settings to go on with it, or leave out --resume" in text
    assert "warmup" not in text  # follows from the epochs


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"lr": 0.5}, "--lr 0.001, asked for 0.5"),
        ({"batch_size": 3}, "--batch-size 8, asked for 3"),
        ({"seed": 7}, "--seed 0, asked for 7"),
        ({"data": "other"}, "--data noise, asked for other"),
        ({"warmup_epochs": 0.1}, "warmup_epochs 0.4, asked for 0.1"),
    ],
)
def test_each_setting_of_the_recipe_is_named(experiment, costs, changed, named):
    first = experiment()
    run(first)
    assert named in refusal(replace(first, recipe=replace(first.recipe, **changed)))


def test_another_attention_and_its_options_are_named(experiment, costs):
    run(experiment(options={"attention": "anchor", "attention_options": {"num_anchors": 4}}))
    other = {"attention": "anchor", "attention_options": {"num_anchors": 5}}
    assert "--option num_anchors 4, asked for 5" in refusal(experiment(options=other))
    assert "--attention anchor, asked for window" in refusal(
        experiment(options={"attention": "window"})
    )


def test_the_run_that_differs_least_is_offered(experiment, costs):
    run(experiment(epochs=1, options={"attention": "window"}))
    near = run(experiment(epochs=1))
    run(experiment(epochs=1, options={"attention": "sparse"}))
    assert near.run in refusal(experiment(epochs=2))


def test_a_broken_checkpoint_of_another_run_is_no_offer(experiment, costs, tmp_path):
    (tmp_path / "tiny-noise-seed0-000000").mkdir()
    (tmp_path / "tiny-noise-seed0-000000" / "last.pt").write_bytes(b"torn")
    assert "run the same command without --resume" in refusal(experiment())


@pytest.mark.parametrize("names", [("a", "c", "b"), ("a", "b", "z")])
def test_other_classes_are_refused_though_they_are_as_many(experiment, costs, data, names):
    run(experiment())
    text = refusal(experiment(data=replace(data, class_names=names)))
    assert "the run was trained on other classes" in text


def test_long_and_strange_names_make_folders(experiment, costs, data):
    strange = replace(data, name="\u732b/" * 200)
    name = experiment(data=strange).name
    assert "/" not in name
    assert len(name.encode()) < 255
