"""Classifiers that are right on chosen images."""

from dataclasses import replace

import numpy as np

from attnbench.analysis.paired.difference import runs_of
from attnbench.analysis.paired.judged import judged
from attnbench.records import OutcomeFile
from attnbench.scoring.outcome_file import write
from attnbench.scoring.outcomes import Outcomes


def outcomes_of(right, images=None):
    """Class 1 is true of every image, and found where the classifier is right; else class 0."""
    right = np.asarray(right)
    return Outcomes(
        kind="classes",
        images=images or tuple(map(str, range(len(right)))),
        arrays={
            "truth": np.ones(len(right), dtype="int32"),
            "found": right.astype("int32"),
            "confidence": np.ones(len(right), dtype="float16"),
        },
    )


def run_of(right, images=None):
    """A classifier that is right on some images."""
    return judged(outcomes_of(right, images))


def with_outcomes(record, right, folder):
    """The record of a classifier that is right on some images, with a file that says so."""
    outcomes = outcomes_of(right)
    path, digest = write(folder / record.run, "images", outcomes)
    file = OutcomeFile(
        path=path.relative_to(folder).as_posix(), sha256=digest, images=len(right),
        samples_sha256=outcomes.samples_sha256,
    )  # fmt: skip
    scores = replace(record.scores, outcomes=file, count=len(right))
    return replace(record, scores=scores)


def network(*right):
    """A model, with the images that each seed has right."""
    return runs_of([run_of(one) for one in right])
