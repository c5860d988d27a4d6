"""The change of the scores of trained models: better, worse, equal, or cannot tell.

A trained model is a workload under a recipe, the seed apart. Those that both sides hold are
compared; if each side holds one alone on the same data, these two are, whatever they are called, so
that two mechanisms can be compared. If both were judged on the same images and the outcome of each
was kept, the verdict follows from the difference on these images (`analysis.paired`). Otherwise it
follows from the scores, their seeds and their counts of images, which tells less; and from one
seed, nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attnbench.analysis.interval import half_of
from attnbench.analysis.trained import Trained, trained_variants
from attnbench.records import CostRecord
from attnbench.units import Metric

if TYPE_CHECKING:
    from attnbench.analysis.paired.difference import Difference
    from attnbench.analysis.paired.files import OutcomeFiles

ScoreVerdict = Literal["better", "worse", "equal", "cannot tell"]
Interval = tuple[float, float]
NOT_KEPT = "one seed, and no outcomes of the same images on both sides"
UNEVEN = "one seed on one side, several on the other: nothing is known of other seeds of the one"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """The change of the primary score of one model, or between two."""

    before: Trained
    after: Trained
    metric: Metric
    interval: Interval | None
    """95 % interval of after - before."""
    verdict: ScoreVerdict
    """On the model after."""
    basis: str
    """On what the verdict rests."""

    @property
    def value(self) -> float:
        """After - before."""
        return self.after.score - self.before.score


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChanges:
    """All of them, and which outcomes could not be used."""

    changes: tuple[ScoreChange, ...] = ()
    problems: tuple[str, ...] = ()


def score_changes(
    before: Iterable[CostRecord], after: Iterable[CostRecord], paths: Sequence[Path] = ()
) -> ScoreChanges:
    """Compare the scores of the trained models of two sides.

    A model of which both sides hold the same runs is left out.

    Args:
        before: the records of one side.
        after: those of the other.
        paths: the results files, beside which the outcomes of single images are.
    """
    pairs = _pairs(trained_variants(before), trained_variants(after))
    files = None
    if any(record.scores and record.scores.outcomes for one in pairs for record in one[1].records):
        from attnbench.analysis.paired.files import OutcomeFiles

        files = OutcomeFiles(paths)
    changes = tuple(score_change(*pair, files) for pair in pairs)
    return ScoreChanges(changes=changes, problems=tuple(files.problems) if files else ())


def _pairs(
    before: dict[Hashable, Trained], after: dict[Hashable, Trained]
) -> list[tuple[Trained, Trained]]:
    both = [(before[key], after[key]) for key in before if key in after]
    if both:
        return [(old, new) for old, new in both if old.records != new.records]
    if len(before) != 1 or len(after) != 1:
        return []
    (one,), (other,) = before.values(), after.values()
    return [(one, other)] if one.data == other.data else []


def score_change(before: Trained, after: Trained, files: OutcomeFiles | None) -> ScoreChange:
    """The change between two models that were judged on the same data."""
    interval, verdict, basis = _judged(before, after, files)
    return ScoreChange(
        before=before, after=after, metric=after.metric, interval=interval, verdict=verdict,
        basis=basis,
    )  # fmt: skip


def _judged(
    before: Trained, after: Trained, files: OutcomeFiles | None
) -> tuple[Interval | None, ScoreVerdict, str]:
    found = _paired(before, after, files) if files else None
    if found is not None and found.interval is not None:
        return found.interval, found.verdict, _basis(found)
    if min(len(before.scores), len(after.scores)) < 2:
        return None, "cannot tell", NOT_KEPT if found is None else UNEVEN
    half, value = half_of(before.variances + after.variances), after.score - before.score
    verdict: ScoreVerdict = (
        "better" if value > half else "worse" if value < -half else "cannot tell"
    )
    seeds = f"{len(before.scores)} and {len(after.scores)} seeds"
    return (value - half, value + half), verdict, f"{seeds}, not image by image"


def _paired(before: Trained, after: Trained, files: OutcomeFiles) -> Difference | None:
    """After - before on the same images; None if they are not the same, or not kept."""
    from attnbench.analysis.paired.difference import difference

    old, new = before.on_images(files), after.on_images(files)
    if old is None or new is None or old.samples != new.samples:
        return None
    return difference(new, old)


def _basis(found: Difference) -> str:
    same = f"the same {found.images:,} images"
    if not found.is_of_two_networks:
        seeds = " and ".join(map(str, dict.fromkeys(reversed(found.seeds))))
        return f"{same}, {seeds} seeds"
    text = f"{same}, these two networks alone: one seed says nothing of others"
    if found.p is None or found.alone is None:
        return text
    after, before = found.alone
    return f"{text}; {before} right before alone, {after} after alone, exact McNemar {_p(found.p)}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
