"""Keep the outcome of each held-out image beside the records, and say where in the scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from attnbench.data.images import ImageData
from attnbench.data.names import readable
from attnbench.experiments.outcome import folder_of
from attnbench.files.reading import shown
from attnbench.records import OutcomeFile, Scores
from attnbench.scoring import outcome_file
from attnbench.tasks.base import KeepsOutcomes, Metric

NOT_KEPT = "the outcome of each image was not kept"
TOO_LARGE = f"it takes more than {outcome_file.MOST_BYTES // 2**20} MiB"


def with_outcomes(
    scores: Scores, metric: Metric, data: ImageData, outcomes: Path, run: str
) -> Scores:
    """The scores with the file of what the model did on each image, or with a note why not.

    A metric that knows no single images adds neither.

    Args:
        scores: of an evaluation.
        metric: has seen all its images.
        data: the images.
        outcomes: the folder of all evaluations, beside the results file.
        run: what was evaluated.
    """
    if not isinstance(metric, KeepsOutcomes):
        return scores
    kept = metric.outcomes()
    names = getattr(data.val, "names", ())
    if len(names) == len(kept.images):
        kept = replace(kept, images=tuple(names))
    kept = replace(kept, images=tuple(readable(name) for name in kept.images))
    folder = folder_of(outcomes, run, data)
    try:
        written = outcome_file.write(folder, "images", kept)
    except OSError as error:  # a full disk: the scores are worth more than their outcomes
        why = f"cannot write into {shown(folder)}: {error.strerror or error}"
        return replace(scores, notes=(*scores.notes, f"{NOT_KEPT}: {why}"))
    if written is None:
        return replace(scores, notes=(*scores.notes, f"{NOT_KEPT}: {TOO_LARGE}"))
    path, digest = written
    return replace(
        scores,
        outcomes=OutcomeFile(
            path=path.relative_to(outcomes).as_posix(), sha256=digest, images=len(kept.images),
            samples_sha256=kept.samples_sha256,
        ),
    )  # fmt: skip
