"""Runs of several processes: one of them writes, a signal to any stops all at the same step."""

import csv
import signal

import pytest
from processes import team
from shared_trainings import judged, ran

from attnbench.experiments.status import all_runs
from attnbench.training.checkpoint import load


@pytest.fixture(scope="module")
def pair(loaded_processes):
    with team(loaded_processes, 2) as started:
        yield started


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_any_process_stops_all_and_any_number_goes_on(rank, pair, tmp_path):
    expected = ran(tmp_path / "alone")
    stops = pair(ran, tmp_path / "pair", False, 4, rank)
    assert stops[0] == stops[1]
    assert stops[0][0].endswith("epoch 1 of 2, and 1 step")
    assert stops[0][1] == signal.SIGUSR1
    (run,) = all_runs(tmp_path / "pair/checkpoints")
    assert (run.state, run.epoch, run.step) == ("stopped", 1, 1)
    state = load(tmp_path / "pair/checkpoints" / run.run / "last.pt").state
    assert {"model", "model/1", "augmentation"} == set(state.generators)
    goes_on = ran if rank else lambda *given: pair(ran, *given)[0]
    name, scores, records = goes_on(tmp_path / "pair", "auto")
    assert (name, records) == (run.run, 2)  # the second epoch, and the end
    assert scores == pytest.approx(expected[1], abs=1e-4)
    (ended,) = all_runs(tmp_path / "pair/checkpoints")
    assert ended.state == "finished"
    with (tmp_path / "pair/checkpoints" / name / "log.csv").open() as file:
        losses = [row for row in csv.DictReader(file) if row["name"] == "train/loss"]
    assert [row["step"] for row in losses] == ["1", "2", "3", "4", "5", "6"]
    theirs = pair(judged, tmp_path / "pair/checkpoints" / name / "last.pt", tmp_path / "outcomes")
    assert theirs[0] == theirs[1]
    alone = judged(tmp_path / "pair/checkpoints" / name / "last.pt", tmp_path / "alone")
    assert theirs[0] == alone  # the hash of the outcomes of each image, too


def test_what_stops_the_first_process_is_told_to_all(pair, tmp_path):
    answers = pair(ran, tmp_path, True)
    assert str(answers[0]) == str(answers[1])
    assert str(answers[0]).startswith("--resume: no checkpoint of this run")
