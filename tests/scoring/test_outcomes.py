"""Outcomes of single images: scores follow from them, and a file holds them or is refused."""

import hashlib
import io
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from box_pictures import NAMES, random_pairs, scored

from attnbench.data.targets import LabelMap
from attnbench.scoring import outcome_file, overlap, precision
from attnbench.scoring.outcome_file import UnusableError, read, write
from attnbench.scoring.outcomes import Outcomes, matches_of
from attnbench.tasks.classification.metric import Accuracy
from attnbench.tasks.detection.metric import BoxScores
from attnbench.tasks.segmentation.metric import ConfusionMatrix


def of_classes():
    metric = Accuracy()
    for count in (7, 4):
        metric.update(torch.randn(count, 3), torch.randint(3, (count,)))
    return metric, metric.outcomes()


def of_boxes():
    metric = scored(random_pairs(9, seed=1), BoxScores(NAMES))
    return metric, metric.outcomes()


def of_pixels():
    metric = ConfusionMatrix(NAMES)
    for number in range(5):
        labels = torch.randint(len(NAMES), (3, 5 + number)).to(torch.uint8)
        found = torch.where(torch.rand(labels.shape) < 0.5, labels.long(), 0)
        metric.update([found], [LabelMap(picture=f"{number}.png", labels=labels)])
    return metric, metric.outcomes()


KINDS = (of_classes, of_boxes, of_pixels)


def score_of(outcomes):
    once = np.ones((1, len(outcomes.images)), dtype=np.int64)
    if outcomes.kind == "classes":
        return "top1", (outcomes.arrays["truth"] == outcomes.arrays["found"]).mean()
    if outcomes.kind == "boxes":
        return "ap", precision.scores_of_draws(once, matches_of(outcomes))["ap"][0]
    return "miou", overlap.scores_of_draws(once, outcomes.arrays["pixels"])["miou"][0]


@pytest.mark.parametrize("make", KINDS)
def test_the_score_follows_from_the_outcomes_that_a_file_holds(make, tmp_path):
    metric, outcomes = make()
    path, digest = write(tmp_path / "new", "images", outcomes)
    back = read(path, digest)
    assert (back.kind, back.images) == (outcomes.kind, outcomes.images)
    assert back.samples_sha256 == outcomes.samples_sha256
    name, score = score_of(back)
    assert score == pytest.approx(metric.compute()[name], abs=1e-9)


def test_other_images_or_another_truth_have_another_hash():
    _, outcomes = of_classes()
    renamed = replace(outcomes, images=("x", *outcomes.images[1:]))
    truth = outcomes.arrays["truth"] + 1
    relabelled = replace(outcomes, arrays={**outcomes.arrays, "truth": truth})
    answered = replace(outcomes, arrays={**outcomes.arrays, "found": truth})
    hashes = [one.samples_sha256 for one in (outcomes, renamed, relabelled)]
    assert len(set(hashes)) == 3
    assert answered.samples_sha256 == outcomes.samples_sha256


def test_a_file_that_is_missing_changed_or_no_outcomes_is_told(tmp_path):
    path, digest = write(tmp_path, "images", of_classes()[1])
    content = path.read_bytes()
    with pytest.raises(UnusableError, match="missing"):
        read(tmp_path / "none.npz", digest)
    path.write_bytes(content[:-1])
    with pytest.raises(UnusableError, match="changed"):
        read(path, digest)
    rng = np.random.default_rng(0)
    for _ in range(40):  # with the hash of what is there, as a forger would
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=3):
            damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with suppress(UnusableError):
            read(path, hashlib.sha256(damaged).hexdigest())


def test_pickles_and_wrong_shapes_are_refused(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, kind=np.array("classes"), images=np.array([{}], dtype=object))
    path = tmp_path / "x.npz"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(UnusableError, match="no outcomes"):
        read(path, hashlib.sha256(buffer.getvalue()).hexdigest())
    _, boxes = of_boxes()
    far = np.full_like(boxes.arrays["pictures"], 9)
    for arrays in ({}, {**boxes.arrays, "pictures": far}, {**boxes.arrays, "right": far}):
        with pytest.raises(ValueError, match="outcomes"):
            Outcomes(kind="boxes", images=boxes.images, arrays=arrays)


def test_what_takes_too_much_is_not_written(monkeypatch, tmp_path):
    monkeypatch.setattr(outcome_file, "MOST_BYTES", 10)
    assert write(tmp_path, "images", of_classes()[1]) is None
    assert list(tmp_path.iterdir()) == []
