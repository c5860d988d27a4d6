"""Several processes give the numbers of one: loss curves up to rounding, scores to the bit."""

from dataclasses import replace
from itertools import zip_longest

import numpy as np
import pytest
import torch
from processes import team
from shared_trainings import EVERYTHING, evaluated, trained

from attnbench.training.share import Share

TOLERANCE = 1e-5
"""Of a loss: sums in another order, over some steps of AdamW."""


@pytest.fixture(scope="module")
def pair(loaded_processes):
    with team(loaded_processes, 2) as started:
        yield started


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return one == other


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("classification", {}),
        ("classification", EVERYTHING),
        ("classification", {"batch_size": 3, "flip": False}),  # the last batch is one of one
        ("detection", {"batch_size": 11, "epochs": 1}),
        ("detection", {"batch_size": 4, "accumulate": 3, "epochs": 1}),  # some parts are of one
        ("segmentation", {"epochs": 1}),
        ("segmentation", {"accumulate": 3, "epochs": 1}),
    ],
)
def test_two_processes_learn_what_one_does(task, settings, pair):
    curve, epochs, state, seen = trained(task, settings)
    theirs = pair(trained, task, settings)
    for one in theirs:
        assert one[0] == pytest.approx(curve, abs=TOLERANCE * max(curve))
        for (loss, _), (expected, _) in zip(one[1], epochs, strict=True):
            assert loss == pytest.approx(expected, rel=TOLERANCE)
        assert one[1] == theirs[0][1]  # scores are told to all
        assert same(one[2].model, theirs[0][2].model)
        assert one[2].loss_sum == theirs[0][2].loss_sum
    for whole, *parts in zip_longest(seen, *(one[3] for one in theirs)):
        shown = {image.tobytes() for part in parts for image in part}
        assert shown >= {image.tobytes() for image in whole}
    if seen:
        assert sum(len(part) for part in theirs[0][3]) < sum(map(len, seen))
    if "running_mean" in " ".join(state.model):
        for name, value in theirs[0][2].model.items():
            if "running" in name:
                torch.testing.assert_close(value, state.model[name], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("task", ["classification", "detection", "segmentation"])
def test_two_processes_score_to_the_bit_as_one(task, pair):
    scores, (outcomes,) = evaluated(task)
    (first, (kept,)), (second, nothing) = pair(evaluated, task)
    assert scores.count == 21
    assert (first.processes, scores.processes) == (2, 1)
    assert first == second
    for name in ("values", "count", "by_class", "intervals", "notes"):
        assert getattr(first, name) == getattr(scores, name)
    assert kept.images == outcomes.images
    assert all(np.array_equal(kept.arrays[name], outcomes.arrays[name]) for name in kept.arrays)
    assert nothing == []  # one process has the metric of all


@pytest.mark.parametrize("stop_after", [2, 5])
def test_a_stopped_pair_goes_on_to_the_bit_and_one_process_takes_over(stop_after, pair):
    settings = {"mixup": 0.8, "ema_decay": 0.9}
    straight, other = pair(trained, "classification", settings, 0.3)
    assert straight[0] == other[0]
    (curve, _, state, _), _ = pair(trained, "classification", settings, 0.3, stop_after)
    assert curve == straight[0][:stop_after]
    again, _ = pair(trained, "classification", settings, 0.3, None, state)
    assert curve + again[0] == straight[0]
    assert same(again[2].model, straight[2].model)
    assert same(again[2].average, straight[2].average)
    plain, _ = pair(trained, "classification", settings, 0.0, stop_after)
    alone = trained("classification", settings, state=plain[2])
    expected = trained("classification", settings)
    assert plain[0] + alone[0] == pytest.approx(expected[0], abs=TOLERANCE * max(expected[0]))


def test_sharded_weights_learn_the_same_and_their_checkpoints_are_whole(pair):
    settings = {**EVERYTHING, "batch_size": 8}  # three batches are scored, one process has two
    curve, _, state, _ = trained("classification", settings)
    first, second = pair(trained, "classification", settings, 0.0, None, None, True)
    assert first[0] == second[0] == pytest.approx(curve, abs=TOLERANCE * max(curve))
    assert first[1] == second[1]
    for name, value in first[2].scored.items():
        assert value.shape == state.scored[name].shape
        assert type(value) is torch.Tensor
    (begun, _, state, _), _ = pair(trained, "classification", settings, 0.0, 3, None, True)
    for sharded in (True, False):
        (rest, *_), _ = pair(trained, "classification", settings, 0.0, None, state, sharded)
        assert begun + rest == pytest.approx(curve, abs=TOLERANCE * max(curve))


@pytest.mark.parametrize("sharded", [False, True])
def test_in_float16_processes_skip_the_same_steps(sharded, pair):
    settings = {"autocast": "float16"}
    _, _, begun, _ = trained("classification", settings, stop_after=1)
    begun = replace(begun, scaler={**begun.scaler, "scale": 2.0**22})  # gradients overflow
    curve, _, alone, _ = trained("classification", settings, state=begun)
    first, second = pair(trained, "classification", settings, 0.0, None, begun, sharded)
    assert first[0] == second[0] == pytest.approx(curve, rel=1e-2)
    assert first[2].scaler == second[2].scaler
    # Each process scales the loss by their number more, since gradients are averaged.
    assert alone.scaler["scale"] / 2 <= first[2].scaler["scale"] <= alone.scaler["scale"] < 2**22
    if not sharded:
        assert same(first[2].model, second[2].model)


@pytest.mark.parametrize("size", [2, 3, 8])
@pytest.mark.parametrize("in_pairs", [False, True])
def test_each_image_of_a_batch_goes_to_one_process_with_its_counterpart(size, in_pairs):
    for batch in (1, 2, 7, 16, 31):
        shares = [Share(rank=rank, size=size, in_pairs=in_pairs) for rank in range(size)]
        places = [share.places(batch).tolist() for share in shares]
        assert sorted(one for own in places for one in own) == list(range(batch))
        assert max(map(len, places)) - min(map(len, places)) <= 2
        even = batch // 2 * 2
        if in_pairs:
            assert all(even - 1 - one in own for own in places for one in own if one < even)
        for share, own in zip(shares, places, strict=True):
            rows = torch.arange(100, 100 + batch)
            read = share.of(rows)
            assert len(read) == max(1, len(own))
            full, targets = share.full(read[:, None], read.tolist(), batch)
            assert [full[one, 0].item() for one in own] == [100 + one for one in own]
            assert [targets[one] for one in own] == [100 + one for one in own]
