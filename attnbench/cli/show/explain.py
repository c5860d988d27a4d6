"""What `attnbench explain` prints."""

from __future__ import annotations

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.records.explanation import Explanation
from attnbench.report.tables import explained as texts

NARROW = {
    "pointing game beyond control": "pointing game\nbeyond control",
    "energy beyond control": "energy\nbeyond control",
}


def print_scores(found: Explanation, screen: Screen) -> None:
    """Print what was looked at, and what of the maps lies inside the boxes."""
    for model in found.models:
        screen.say(texts.looked_at(model))
    rows = texts.score_rows(found)
    if not rows:
        why = "none of their pictures has one that counts" if found.boxes_are else "no boxes"
        screen.say(f"No numbers ({why}): give a data set with boxes to get them.", gap=True)
        return
    screen.say(f"Inside the boxes ({found.boxes_are}):", gap=True)
    first, *others = (NARROW.get(head, head) for head in texts.HEADS)
    screen.table([Column(first), *map(number, others)], rows)
    screen.say(texts.MEANING)
