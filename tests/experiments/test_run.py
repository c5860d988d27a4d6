import pytest
import torch

from attnbench.errors import UserError
from attnbench.experiments.run import run
from attnbench.records import EpochRecord, ModelRecord
from attnbench.training.checkpoint import load


def folders(path):
    return sorted(file.parent.name for file in path.glob("*/last.pt"))


def test_each_epoch_and_the_result_are_recorded(experiment, tmp_path):
    stored = []
    made = experiment(options={"attention": "window"})
    final = run(made, on_record=stored.append)
    assert [type(record) for record in stored] == [EpochRecord, EpochRecord, ModelRecord]
    assert stored[-1] is final
    assert [record.progress.epoch for record in stored[:2]] == [1, 2]
    assert {record.run for record in stored} == {made.name}
    assert {record.recipe for record in stored} == {made.recipe}
    assert all(record.workload == made.workload for record in stored)
    assert final.scores == stored[1].scores
    assert final.latency.median_s > 0
    assert final.macs.products_macs > 0


def test_the_checkpoint_names_model_data_and_task(experiment, costs, tmp_path):
    made = experiment(options={"attention": "window"}, source="./noise")
    run(made)
    saved = load(tmp_path / made.name / "last.pt")
    assert (saved.model, saved.attention, saved.options) == ("tiny", "window", made.options)
    assert (saved.task, saved.data, saved.img_size) == ("classification", "./noise", (16, 16))
    assert (saved.num_classes, saved.class_names) == (3, ("a", "b", "c"))
    assert saved.state.epochs == 2


def test_what_is_measured_is_the_model_that_was_trained(experiment, costs, tmp_path):
    made = experiment()
    run(made)
    saved = load(tmp_path / made.name / "last.pt").state.model
    (model,) = costs
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_run_that_is_stopped_resumes_as_if_it_never_was(experiment, costs, tmp_path):
    straight = run(experiment(folder=tmp_path / "straight"))

    def stop(record):
        if record.progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(experiment(), on_record=stop)
    epochs = []
    resumed = run(experiment(), resume=True, on_record=epochs.append)
    assert [type(record) for record in epochs] == [EpochRecord, ModelRecord]
    assert epochs[0].progress.epoch == 2
    assert resumed.scores.values == straight.scores.values
    assert folders(tmp_path) == [resumed.run]


def test_no_epoch_is_in_the_checkpoint_whose_record_is_not_stored(experiment, costs, tmp_path):
    def stop(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(experiment(), on_record=stop)
    assert folders(tmp_path) == []


def test_a_finished_run_is_only_measured_again(experiment, costs):
    first = run(experiment())
    records = []
    again = run(experiment(), resume=True, on_record=records.append)
    assert records == [again]
    assert again.scores.values == first.scores.values
    assert len(costs) == 2


def test_a_repeated_run_keeps_the_earlier_one(experiment, costs, tmp_path):
    names = [run(experiment(epochs=1)).run for _ in range(3)]
    assert names == [names[0], f"{names[0]}-2", f"{names[0]}-3"]
    assert folders(tmp_path) == names


def test_a_run_is_resumed_that_another_version_named_by_another_hash(experiment, costs, tmp_path):
    first = run(experiment(epochs=2))
    prefix = first.run.rpartition("-")[0]
    (tmp_path / first.run).rename(tmp_path / f"{prefix}-0ld0ld")
    assert run(experiment(epochs=2), resume=True).run == f"{prefix}-0ld0ld"


def test_nothing_to_resume_is_refused(experiment):
    with pytest.raises(UserError, match="--resume: no checkpoint of this run"):
        run(experiment(), resume=True)
