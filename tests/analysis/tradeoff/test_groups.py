from __future__ import annotations

import random
from dataclasses import replace
from statistics import fmean

import numpy as np
import pandas as pd
import pytest
from paired_runs import with_outcomes

from attnbench.analysis.frame.frames import build
from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.tradeoff.groups import COSTS, left_out, metric_of, tradeoffs
from attnbench.errors import UserError
from attnbench.records.costs import Energy


def groups(records, metric="macs"):
    return list(tradeoffs(build(records).models, metric))


def test_models_of_one_task_are_compared(model):
    (group,) = groups([model("a", 0.5, macs=1), model("b", 0.4, macs=2), model("c", 0.6, macs=3)])
    assert [point.name for point in group.points] == ["a", "b", "c"]
    assert group.beaten == (False, True, False)
    assert "one seed" in group.subtitle
    assert group.notes == ()


@pytest.mark.parametrize(
    "change",
    [
        {"img_size": (16, 16)},
        {"num_classes": 3},
        {"batch": 2},
        {"dtype": "bfloat16"},
        {"recipe": {"data": "cifar10"}},
    ],
)
def test_other_tasks_and_settings_are_apart(model, change):
    assert len(groups([model("a"), model("b", **change)])) == 2


def test_scores_of_other_images_are_apart(model):
    held_out = model("a")
    tested = replace(held_out, scores=replace(held_out.scores, scored_on="digits test"))
    apart = groups([held_out, tested])
    assert sorted(group.rows["data"].item() for group in apart) == ["digits", "digits test"]


def test_measured_cost_is_compared_on_one_machine_only(model, gpu):
    records = [model("a"), model("b", env=gpu)]
    assert len(groups(records, "latency_s")) == 2
    (group,) = groups(records, "macs")
    assert "from 2 machines: Test CPU" in group.subtitle


def test_seeds_are_one_point_with_their_interval(model):
    records = [model("a", top1, seed=seed) for seed, top1 in enumerate((0.4, 0.5, 0.6))]
    (group,) = groups(records)
    (point,) = group.points
    assert (point.seeds, point.score) == (3, pytest.approx(0.5))
    # seeds: 0.01 / 3 with 2 degrees of freedom; 100 images: 0.00243; t with 5.99 of them: 2.448
    assert point.interval == pytest.approx((0.5 - 0.1859, 0.5 + 0.1859), abs=1e-4)
    assert "mean of 3 seeds" in group.subtitle
    assert group.members == ((0, 1, 2),)


def test_models_on_the_same_images_are_told_apart_where_their_scores_are_not(model, tmp_path):
    ease = np.random.default_rng(0).random(300)
    records = []
    for name, macs, share in (("cheap", 1, 0.7), ("dear", 2, 0.65)):
        for seed in range(3):
            luck = 0.02 * np.random.default_rng(seed + macs).random(300)
            right = ease + luck < share
            record = model(name, float(right.mean()), macs=macs, seed=seed)
            records.append(with_outcomes(record, right, tmp_path / "outcomes"))
    models = build(records).models
    (alone,), (paired,) = (
        list(tradeoffs(models, "macs", outcomes))
        for outcomes in (None, OutcomeFiles([tmp_path / "runs.jsonl"]))
    )
    assert [one.verdict for one in alone.standings] == ["on the frontier", "cannot tell"]
    assert [one.verdict for one in paired.standings] == ["on the frontier", "dominated"]
    assert (alone.dominated, paired.dominated) == ((False, False), (False, True))
    assert "2 of 2 models are compared on the same images" in paired.notes[-1]


def test_more_models_than_are_paired_go_by_their_intervals_and_a_note_says_so(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr("attnbench.analysis.tradeoff.groups.MOST_PAIRED", 2)
    records = [
        with_outcomes(model(name, 0.5), [True, False], tmp_path / "outcomes") for name in "abc"
    ]
    files = OutcomeFiles([tmp_path / "runs.jsonl"])
    (few,), (many,) = (
        list(tradeoffs(build(records[:count]).models, "macs", files)) for count in (2, 3)
    )
    assert "image by image" not in " ".join(few.notes)
    assert many.runs == ()
    assert many.notes[-1].startswith("More than 2 models (classification on")
    assert "by the intervals of their scores alone, not image by image" in many.notes[-1]


def test_the_same_seed_on_two_machines_is_one_seed(model, gpu):
    (group,) = groups([model("a", at=0), model("a", at=1, env=gpu)])
    assert [point.seeds for point in group.points] == [1]


def test_a_task_without_a_known_score_has_no_frontier_and_the_note_says_so(model):
    unknown = [
        replace(one, workload=replace(one.workload, task="new"),
                scores=replace(one.scores, task="new"))
        for one in (model("a"), model("b"))
    ]  # fmt: skip
    assert groups(unknown) == []
    assert "task 'new' has no primary score" in left_out(build(unknown).models, "macs")[0]


def test_unlike_recipes_are_said_and_named(model):
    short, long = model("a"), model("a", 0.6, recipe={"epochs": 9})
    (group,) = groups([short, long])
    assert [point.name for point in group.points] == ["a epochs=2", "a epochs=9"]
    assert "NOT the same recipe: epochs differ" in group.subtitle
    assert "epochs: 2, 9" in group.notes[0]


def test_a_model_without_cost_or_accuracy_is_named_with_the_reason(model):
    records = [
        replace(model("a"), scores=None),
        replace(model("b"), latency=None),
        replace(model("c"), scores=None, status="failed", reason="loss is not finite"),
    ]
    assert groups(records, "latency_s") == []
    lines = left_out(build(records).models, "latency_s")
    assert "no top-1 accuracy was measured" in lines[0]
    assert "no latency was measured" in lines[1]
    assert "failed, loss is not finite" in lines[2]


def test_the_cost_axes(model):
    metered = Energy(status="ok", meter="nvml", windows_j=(0.1,))
    records = [replace(model(name), energy=metered) for name in "ab"]
    assert all(len(groups(records, metric_of(cost))) == 1 for cost in COSTS)
    with pytest.raises(UserError, match="--cost must be one of macs, latency, memory, energy, pa"):
        metric_of("flops")


def test_a_measured_cost_has_an_interval_and_a_counted_one_has_none(model):
    records = [model("a", seed=seed) for seed in (0, 1)]
    ((timed,),) = (group.points for group in groups(records, "latency_s"))
    low, high = timed.cost_interval
    assert low <= timed.cost <= high
    (counted,) = groups(records, "macs")[0].points
    assert counted.cost_interval is None
    assert [one.verdict for one in groups(records, "macs")[0].standings] == ["on the frontier"]


@pytest.mark.parametrize("seed", range(3))
def test_points_are_those_of_a_plain_reckoning(model, seed):
    """Per name and number of epochs: costs and scores of the newest record of each seed."""
    rng, newest = random.Random(seed), {}
    records = []
    for at in range(41):
        name, epochs, own = rng.choice("ab"), rng.choice((1, 2)), rng.choice((0, 1))
        top1, macs = rng.random(), rng.randint(1, 9)
        recipe = {"epochs": epochs}
        records.append(model(name, top1, macs=macs, at=at, seed=own, recipe=recipe))
        newest[name, epochs, own] = macs, top1
    (group,) = groups(records)
    expected = {}
    for (name, epochs, _), (macs, top1) in newest.items():
        expected.setdefault(f"{name} epochs={epochs}", []).append((macs, top1))
    found = {point.name: (point.cost, point.score, point.seeds) for point in group.points}
    assert found == {
        name: (fmean(m for m, _ in values), pytest.approx(fmean(t for _, t in values)), len(values))
        for name, values in expected.items()
    }


def test_pandas_groups_as_often_for_many_models_as_for_few(model, monkeypatch):
    def times(count):
        models = build([model(f"m{i}", recipe={"epochs": 1 + i % 2}) for i in range(count)]).models
        calls, groupby = [], pd.DataFrame.groupby
        with monkeypatch.context() as patched:
            patched.setattr(
                pd.DataFrame, "groupby", lambda *a, **k: calls.append(1) or groupby(*a, **k)
            )
            (group,) = tradeoffs(models, "macs")
        assert len(group.points) == count
        return len(calls)

    assert times(5) == times(40)
