"""Score a COCO result file, whoever wrote it: no model is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from torch import Tensor

from attnbench.data.images import Batch, ImageData, num_batches
from attnbench.tasks.detection.entries import Entry
from attnbench.tasks.detection.metric import BoxScores
from attnbench.tasks.detection.results import detections_of

BATCH = 64
"""Pictures that are looked at together."""


def score_file(
    path: Path,
    entries: Sequence[Entry],
    data: ImageData,
    *,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    on_batch: Callable[[Tensor, Any, Any], None] | None = None,
) -> tuple[BoxScores, tuple[str, ...]]:
    """The metric of a result file on the held-out pictures of a data set, and what to know of it.

    Args:
        path: of the file, for messages.
        entries: what is in it.
        data: with boxes.
        on_step: called with (batches done, batches in all).
        on_batch: see `training.evaluate.evaluate`.

    Raises:
        UserError: the file has pictures or classes that the data set lacks.
    """
    total = num_batches(len(data.val), BATCH) * (2 if on_batch else 1)
    steps = count(1)

    def batches() -> Iterator[Batch]:
        for batch in data.val.batches(BATCH, seed=None, device="cpu"):
            yield batch
            on_step(next(steps), total)

    targets = [one for _, batch in batches() for one in batch]
    found, notes = detections_of(path, entries, targets, data.class_names, data.numbers)
    metric = BoxScores(data.class_names)
    metric.update(found, targets)
    if on_batch:
        rest = iter(found)
        for pixels, batch in batches():
            on_batch(pixels, batch, [next(rest) for _ in batch])
    return metric, notes
