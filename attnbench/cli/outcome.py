"""Write what an evaluation leaves beside its record: result file, figures, overlays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.cli.show.screen import Screen
    from attnbench.data.images import ImageData
    from attnbench.data.overlays import Judged
    from attnbench.tasks.base import Metric
    from attnbench.tasks.detection.metric import BoxScores
    from attnbench.tasks.segmentation.metric import ConfusionMatrix


def outcomes_beside(out: Path) -> Path:
    """The folder of all evaluations, beside a results file."""
    from attnbench.records.outcome_file import OUTCOMES

    return out.parent / OUTCOMES


def save_outcome(
    metric: Metric,
    data: ImageData,
    worst: Sequence[Judged],
    outcomes: Path,
    run: str,
    screen: Screen,
    *,
    results: bool,
) -> None:
    """Write the files of an evaluation and say where they are; nothing for a classifier.

    Args:
        metric: has seen all pictures.
        data: the set that was judged.
        worst: pictures to draw.
        outcomes: the folder of all evaluations.
        run: what was judged.
        screen: for the progress.
        results: whether a result file of boxes is written, too.

    Raises:
        UserError: a file cannot be written.
    """
    from attnbench.cli.show.progress import steps
    from attnbench.data.overlays import save_overlays
    from attnbench.experiments.outcome import folder_of, save_results
    from attnbench.files.reading import shown
    from attnbench.tasks.detection.metric import BoxScores
    from attnbench.tasks.segmentation.metric import ConfusionMatrix

    if not isinstance(metric, (BoxScores, ConfusionMatrix)):
        return
    folder = folder_of(outcomes, run, data)
    try:
        with steps(screen, "drawing") as drawing:
            names = [path.name for path in _figures(metric, folder)]
            if results and isinstance(metric, BoxScores):
                names.insert(0, save_results(metric, data, folder).name)
            drawn = save_overlays(
                worst, metric.class_names, folder,
                lambda done, total: drawing.update(done=done, total=total),
            )  # fmt: skip
    except OSError as error:
        raise UserError(
            f"cannot write into {shown(folder)}: {error.strerror or error}; choose another place "
            "with --out"
        ) from error
    if drawn:
        last = f" to {drawn[-1].name}" if len(drawn) > 1 else ""
        names.append(f"{drawn[0].name}{last}")
    print(f"In {folder}: {', '.join(names)}")


def _figures(metric: BoxScores | ConfusionMatrix, folder: Path) -> list[Path]:
    from attnbench.report.figures.confusion import save_pixels
    from attnbench.report.figures.detections import save_outcome as save_boxes
    from attnbench.tasks.detection.metric import BoxScores

    if isinstance(metric, BoxScores):
        return save_boxes(metric.outcome(), folder)
    counts, pictures = metric.total.tolist(), len(metric.pictures)
    return [save_pixels(counts, metric.class_names, pictures, folder)]
