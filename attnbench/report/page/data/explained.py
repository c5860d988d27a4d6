"""What trained models look at: texts for the template of the page, maps for its scripts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from attnbench.records.explanation import Explanation
from attnbench.report.tables import explained as texts

COMMAND = "attnbench explain results/runs/checkpoints/RUN/last.pt DATA"
MISSING = ("No trained model was explained.", COMMAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The part that needs no script."""

    about: list[str]
    boxes_are: str
    scores: list[tuple[str, ...]]
    uses: list[tuple[str, ...]]
    uses_of: str


def told(found: Explanation) -> Told:
    """Sentences and rows."""
    first = found.models[0].label
    images = found.anchors[0].images if found.anchors else 0
    return Told(
        about=[f"Pictures of {found.data}, {found.created[:10]}."]
        + [texts.looked_at(model) for model in found.models],
        boxes_are=found.boxes_are, scores=texts.score_rows(found), uses=texts.use_rows(found),
        uses_of=f"Use of anchors in {first}, {images:,} pictures",
    )  # fmt: skip


def drawn(found: Explanation) -> dict[str, Any]:
    """What the scripts draw."""
    return {
        "models": [model.label for model in found.models],
        "shares_are": found.shares_are,
        "pictures": [asdict(picture) for picture in found.pictures],
    }
