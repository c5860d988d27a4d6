"""Scores of trained models on two sides: paired where the images allow it, else by intervals."""

from dataclasses import replace

import numpy as np
import pytest
from paired_runs import with_outcomes

from attnbench.analysis.compare.pairs import Side
from attnbench.analysis.compare.score_changes import score_changes
from attnbench.analysis.compare.score_text import difference_text, lines_of
from attnbench.analysis.compare.verdict import compare
from attnbench.errors import UserError

IMAGES = 200


@pytest.fixture
def kept(model, tmp_path):
    """A trained model whose outcomes are beside `tmp_path / "runs.jsonl"`."""

    def build(name, share, seed=0, images=IMAGES, at=0):
        rng = np.random.default_rng(0)  # equally hard for all models
        right = rng.random(images) + 0.1 * np.random.default_rng(seed + at).random(images) < share
        record = model(name, float(right.mean()), seed=seed, at=at)
        return with_outcomes(record, right, tmp_path / "outcomes")

    return build


def changes(before, after, tmp_path):
    return score_changes(before, after, [tmp_path / "runs.jsonl"])


def test_two_networks_are_judged_by_the_images_that_tell_them_apart(kept, tmp_path):
    (found,) = changes([kept("a", 0.6)], [kept("b", 0.8, at=1)], tmp_path).changes
    assert found.verdict == "better"
    assert "same 200 images" in found.basis
    assert "McNemar p < 0.001" in found.basis
    assert "one seed says nothing of others" in found.basis
    (mirrored,) = changes([kept("b", 0.8, at=1)], [kept("a", 0.6)], tmp_path).changes
    assert mirrored.verdict == "worse"
    assert mirrored.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_the_side_of_an_interval_is_seen_however_near_it_is(kept, tmp_path):
    (found,) = changes([kept("a", 0.6)], [kept("b", 0.8, at=1)], tmp_path).changes
    for interval, shown in [
        ((-0.0112, -0.0002), "[−1.1, −0.02]"), ((0.0004, 0.0006), "[+0.04, +0.1]"),
        ((-0.0006, 0.0), "[−0.1, +0.00]"),
    ]:  # fmt: skip
        text = difference_text(replace(found, interval=interval))
        assert text.endswith(f" {shown} points")


def test_several_seeds_are_judged_together_and_tell_more_than_scores_alone(kept, tmp_path):
    sides = [[kept(name, share, seed, at=at) for seed in range(3)]
             for name, share, at in (("a", 0.6, 0), ("b", 0.66, 9))]  # fmt: skip
    (paired,) = changes(*sides, tmp_path).changes
    assert paired.basis == "the same 200 images, 3 seeds"
    (alone,) = changes(*sides, tmp_path / "elsewhere").changes
    assert "not image by image" in alone.basis
    width, wider = (one.interval[1] - one.interval[0] for one in (paired, alone))
    assert width < 0.7 * wider
    assert (paired.verdict, alone.verdict) == ("better", "cannot tell")


def test_a_changed_file_is_told_and_other_images_are_not_paired(kept, tmp_path):
    one, other = kept("a", 0.6), kept("b", 0.8)
    (few,) = changes([one], [kept("b", 0.8, images=99)], tmp_path).changes
    assert (few.verdict, few.interval) == ("cannot tell", None)
    (tmp_path / "outcomes" / other.scores.outcomes.path).write_bytes(b"PK")
    found = changes([one], [other], tmp_path)
    assert found.changes[0].verdict == "cannot tell"
    assert ["changed after it was written" in text for text in found.problems] == [True]
    assert any("changed after" in line for line in lines_of(found))
    hostile = replace(other.scores.outcomes, path="../../etc/passwd")
    scores = replace(other.scores, outcomes=hostile)
    assert changes([one], [replace(other, scores=scores)], tmp_path).problems == ()


def test_the_same_model_is_paired_among_several_and_strangers_only_alone(model, kept, tmp_path):
    before = [model("a", 0.5), model("b", 0.6)]
    found = changes(before, [model("c", 0.5), model("b", 0.7, at=5)], tmp_path).changes
    assert [one.after.records[0].workload.model for one in found] == ["b"]
    assert changes(before, [model("c", 0.5)], tmp_path).changes == ()
    elsewhere = model("c", recipe={"data": "cifar10"})
    assert changes(before[:1], [elsewhere], tmp_path).changes == ()
    assert changes(before, before, tmp_path).changes == ()


def test_a_comparison_of_two_mechanisms_has_no_cells_but_scores(model):
    sides = [Side(name=name, records=[model(name)]) for name in "ab"]
    found = compare(*sides)
    assert (found.changes, len(found.scores.changes)) == ((), 1)
    untrained = [replace(side.records[0], scores=None) for side in sides]
    with pytest.raises(UserError, match="no workload is in both"):
        compare(*(Side(name="x", records=[one]) for one in untrained))
