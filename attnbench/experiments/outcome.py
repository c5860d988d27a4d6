"""Where an evaluation leaves what is no record, and its result file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from attnbench.data.images import ImageData
from attnbench.data.names import file_part
from attnbench.tasks.detection.metric import BoxScores
from attnbench.tasks.detection.pictures import in_classes_of
from attnbench.tasks.detection.results import write_results

LONGEST_NAME = 50
"""Characters of the name of a result file, so that what follows it is not cut off."""


def folder_of(outcomes: Path, run: str, data: ImageData) -> Path:
    """The folder of one evaluation: `RUN/DATA-val`.

    Args:
        outcomes: the folder of all evaluations.
        run: what is judged.
        data: on which data set and which part of it.
    """
    return outcomes / file_part(run) / f"{file_part(data.name)}-{data.held_out}"


def name_of_results(file: Path) -> str:
    """What a result file's folder is called: its name, and a part that tells its place."""
    place = hashlib.sha256(os.fsencode(file.resolve())).hexdigest()
    return f"{file_part(file.stem)[:LONGEST_NAME]}-{place[:8]}"


def save_results(metric: BoxScores, data: ImageData, folder: Path) -> Path:
    """Write `results.json`, a COCO result file, with the numbers and classes of the data set.

    Detections of classes that only the model knows are left out: no reader of the data set could
    tell what they are, and they enter no score.

    Raises:
        OSError: the file cannot be written.
    """
    path = folder / "results.json"
    pictures = in_classes_of(data.class_names, metric.class_names, metric.pictures)
    write_results(path, pictures, data.class_names, data.numbers)
    return path
