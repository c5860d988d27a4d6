"""A training run that is killed at any moment goes on as if it never had been."""

import random
import time
from math import ceil

import pytest
import torch
from cases.kills.training import EPOCHS, experiment_in, train

from attnbench.records import ModelRecord, store
from attnbench.training import checkpoint

KILLS = 3


def saved_in(folder):
    return folder / experiment_in(folder).name / "last.pt"


def start(processes, folder):
    process = processes.Process(target=train, args=(folder,))
    process.start()
    return process


def finish(processes, folder):
    process = start(processes, folder)
    process.join()
    assert process.exitcode == 0
    return checkpoint.load(saved_in(folder)).state.model, results_in(folder)


def results_in(folder):
    """Scores by epoch, and of the whole run; an epoch may be told twice, but equally."""
    contents = store.read(folder / "train.jsonl")
    whole = {tuple(sorted(record.scores.values.items())) for record in contents.models}
    told = [(one.progress.epoch, tuple(one.scores.values.items())) for one in contents.epochs]
    return whole, sorted(set(told))


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing(loaded_processes, tmp_path, request):
    kills, rng = ceil(KILLS * request.config.getoption("--thorough")), random.Random(3)
    (tmp_path / "whole").mkdir()
    began = time.monotonic()
    weights, results = finish(loaded_processes, tmp_path / "whole")
    taken = time.monotonic() - began
    assert [epoch for epoch, _ in results[1]] == list(range(1, EPOCHS + 1))
    killed, number = 0, 0
    while killed < kills:
        folder = tmp_path / str(number)
        folder.mkdir(exist_ok=True)
        process = start(loaded_processes, folder)
        process.join(rng.uniform(0, taken))
        if process.exitcode is None:
            process.kill()
            process.join()
            killed += 1
            if saved_in(folder).exists():
                assert checkpoint.load(saved_in(folder)).state.epochs <= EPOCHS
            if killed < kills:
                continue
        found, told = finish(loaded_processes, folder)
        assert found.keys() == weights.keys()
        assert all(torch.equal(value, weights[name]) for name, value in found.items())
        assert told == results
        assert [type(one) for one in store.read(folder / "train.jsonl").records][-1] is ModelRecord
        number += 1
