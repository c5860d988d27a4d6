"""What `evaluate --details` says of a classifier: its classes, their confusion, its confidence."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import MISSING
from attnbench.errors import UserError
from attnbench.units import format_percent

if TYPE_CHECKING:
    from attnbench.scoring.classes import ClassScore
    from attnbench.tasks.base import Metric

MOST_CLASSES = 20
"""Those that are shown, the worst first; the file holds all."""
MOST_DRAWN = 1000
"""Classes at which a picture of their confusion still shows something."""


def save_details(metric: Metric, names: tuple[str, ...], folder: Path) -> None:
    """Print the classes and the calibration, and write `classes.csv` and `confusion.png`.

    Args:
        metric: of a classification, has seen all images.
        names: of the classes.
        folder: of this evaluation.

    Raises:
        UserError: a file cannot be written.
    """
    from attnbench.files.reading import shown
    from attnbench.files.writing import replace_text
    from attnbench.report.figures.confusion import save_images
    from attnbench.scoring.classes import calibration_error, class_scores, confusion
    from attnbench.tasks.base import KeepsOutcomes

    assert isinstance(metric, KeepsOutcomes)  # that of classification
    outcomes = metric.outcomes()
    counts = confusion(outcomes, len(names))
    scores = class_scores(counts, names)
    _print_classes(scores, Screen())
    print(f"\nExpected calibration error: {format_percent(calibration_error(outcomes))}")
    try:
        replace_text(folder / "classes.csv", _csv(scores))
        written = ["classes.csv"]
        if len(names) <= MOST_DRAWN:
            written.append(save_images(counts.tolist(), names, len(outcomes.images), folder).name)
    except OSError as error:
        raise UserError(
            f"cannot write into {shown(folder)}: {error.strerror or error}; choose another place "
            "with --out"
        ) from error
    print(f"In {folder}: {', '.join(written)}")


def _print_classes(scores: Sequence[ClassScore], screen: Screen) -> None:
    ordered = sorted(scores, key=lambda one: 2.0 if one.accuracy is None else one.accuracy)
    screen.table(
        [Column("class"), *map(number, ("images", "accuracy", "precision")), Column("taken for")],
        [
            [
                one.name,
                f"{one.images:,}",
                _share(one.accuracy),
                _share(one.precision),
                one.taken_for,
            ]
            for one in ordered[:MOST_CLASSES]
        ],
    )
    if len(scores) > MOST_CLASSES:
        screen.say(f"and {len(scores) - MOST_CLASSES:,} classes more, which are found better")


def _csv(scores: Sequence[ClassScore]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "images", "accuracy", "precision", "taken_for"])
    writer.writerows(
        [one.name, one.images, one.accuracy, one.precision, one.taken_for] for one in scores
    )
    return text.getvalue()


def _share(value: float | None) -> str:
    return MISSING if value is None else format_percent(value)
