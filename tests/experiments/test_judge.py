from dataclasses import replace

import pytest
import torch

from attnbench.errors import UserError
from attnbench.experiments.judge import judge
from attnbench.experiments.run import run
from attnbench.scoring.outcome_file import read
from attnbench.training.checkpoint import load

CPU = torch.device("cpu")


@pytest.fixture
def trained(experiment, costs, tmp_path):
    """The record of a run, and its checkpoint."""
    record = run(experiment(options={"attention": "sparse"}))
    return record, load(tmp_path / record.run / "last.pt")


def test_scores_are_those_of_the_run_at_any_batch_size(trained, data):
    record, checkpoint = trained
    for batch_size in (1, 64):
        judged = judge(checkpoint, data, run_name="a-run", batch_size=batch_size, device=CPU)
        assert judged.scores.values == pytest.approx(record.scores.values)
        assert (judged.workload, judged.recipe) == (record.workload, record.recipe)
        assert judged.run == "a-run"


def test_the_outcomes_of_run_and_evaluation_are_of_the_same_images(trained, data, tmp_path):
    record, checkpoint = trained
    judged = judge(checkpoint, data, run_name="a-run", device=CPU, outcomes=tmp_path / "mine")
    of_run, of_evaluation = record.scores.outcomes, judged.scores.outcomes
    assert of_run.samples_sha256 == of_evaluation.samples_sha256
    assert (of_run.images, of_evaluation.images) == (10, 10)
    files = ((tmp_path.parent / "outcomes", of_run), (tmp_path / "mine", of_evaluation))
    for folder, file in files:
        found = read(folder / file.path, file.sha256).arrays
        share = (found["truth"] == found["found"]).mean()
        assert share == pytest.approx(record.scores.values["top1"])


def test_scores_are_kept_where_outcomes_cannot_be(trained, data, tmp_path):
    (tmp_path / "file").write_text("")
    judged = judge(trained[1], data, run_name="a-run", device=CPU, outcomes=tmp_path / "file")
    assert judged.scores.outcomes is None
    assert "the outcome of each image was not kept: cannot write" in judged.scores.notes[-1]


def test_what_is_measured_has_the_weights_of_the_checkpoint(trained, data, costs):
    _, checkpoint = trained
    judge(checkpoint, data, run_name="", batch_size=8, device=CPU)
    weights = costs[-1].state_dict()
    assert all(torch.equal(weights[name], v) for name, v in checkpoint.state.model.items())


def test_other_classes_are_refused(trained, data):
    _, checkpoint = trained
    other = replace(data, class_names=("a", "b", "d"))
    with pytest.raises(UserError, match=r"trained on the 3 classes of noise; .*--data"):
        judge(checkpoint, other, run_name="", batch_size=8, device=CPU)


def test_weights_of_another_model_are_refused(trained, data):
    _, checkpoint = trained
    other = replace(checkpoint, options={"attention": "dense"})
    with pytest.raises(UserError, match="belongs to another model"):
        judge(other, data, run_name="", batch_size=8, device=CPU)
