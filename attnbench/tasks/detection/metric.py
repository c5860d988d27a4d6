"""Accumulates detections and scores them by COCO's definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attnbench.data.targets import Detections, Objects
from attnbench.records import BoxOutcome
from attnbench.scoring.outcomes import Outcomes, of_matches
from attnbench.tasks.detection.bootstrap import intervals_of
from attnbench.tasks.detection.coco import BANDS, CocoScores, coco_scores, require_evaluator
from attnbench.tasks.detection.confusion import confusion_of
from attnbench.tasks.detection.curves import curves_of
from attnbench.tasks.detection.matching import matches_of_class
from attnbench.tasks.detection.pictures import Picture, in_order, picture_of


class BoxScores:
    """The pictures of an evaluation; their order of arrival changes no score."""

    def __init__(self, class_names: Sequence[str]) -> None:
        """Start without pictures.

        Raises:
            UserError: the evaluator is not installed.
        """
        require_evaluator()
        self.class_names = tuple(class_names)
        self._pictures: list[Picture] = []
        self._scored: CocoScores | None = None

    @property
    def pictures(self) -> list[Picture]:
        """All of them, sorted by name."""
        return in_order(self._pictures)

    def update(self, predictions: Sequence[Detections], targets: Sequence[Objects]) -> None:
        """Add pictures: detections in pixels of the original, objects as the model saw them.

        Raises:
            UserError: a box or a score is not finite.
        """
        self._pictures += [picture_of(*pair) for pair in zip(predictions, targets, strict=True)]
        self._scored = None

    def merge(self, other: BoxScores) -> None:
        """Add what another accumulator has seen."""
        self._pictures += other._pictures
        self._scored = None

    def compute(self) -> Mapping[str, float | None]:
        """AP, AP50, AP75, AP of small, medium and large objects, and AR100.

        None where there are no objects that the score is about; `notes` says so.
        """
        return self._coco().overall

    def compute_by_class(self) -> Mapping[str, Mapping[str, float | None]]:
        """AP and AP50 of each class; None for a class without objects."""
        return {
            name: dict(zip(self.class_names, values, strict=True))
            for name, values in self._coco().by_class.items()
        }

    def compute_intervals(self) -> Mapping[str, tuple[float, float]]:
        """95 % intervals of AP and AP50 over pictures; a second or less for 100 of them."""
        return intervals_of(self.pictures, len(self.class_names))

    def outcome(self) -> BoxOutcome:
        """Curves of precision against recall, and the confusion of classes."""
        pictures = self.pictures
        return BoxOutcome(
            pictures=len(pictures),
            curves=curves_of(pictures, self.class_names),
            confusion=confusion_of(pictures, self.class_names),
        )

    def outcomes(self) -> Outcomes:
        """See `tasks.base.KeepsOutcomes`."""
        pictures = self.pictures
        classes = [matches_of_class(pictures, label) for label in range(len(self.class_names))]
        return of_matches(tuple(one.name for one in pictures), classes)

    def notes(self) -> tuple[str, ...]:
        """Why scores are None or 0."""
        scores, notes = self.compute(), []
        empty = [name for name, ap in self.compute_by_class()["ap"].items() if ap is None]
        bands = [band for band in BANDS if band and scores[f"ap_{band}"] is None]
        if len(empty) == len(self.class_names):
            return ("no picture has an object: there is nothing to find, and no score",)
        if not any(len(one.scores) for one in self._pictures):
            notes.append("the model found nothing in any picture: AP is 0")
        if empty:
            notes.append(f"classes without objects enter no mean: {_listed(empty)}")
        if bands:
            notes.append(f"no score for sizes without objects: {_listed(bands)}")
        return tuple(notes)

    def _coco(self) -> CocoScores:
        if self._scored is None:
            self._scored = coco_scores(self.pictures, len(self.class_names))
        return self._scored


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
