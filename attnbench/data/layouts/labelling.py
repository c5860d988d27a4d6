"""Join pictures that were looked at with the boxes that are written for them."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.data.findings import Findings
from attnbench.data.layouts.boxes import Row, boxes_of, objects_in
from attnbench.data.layouts.found import Labelled
from attnbench.data.layouts.pictures import Seen


def labelled_pictures(
    seen: Sequence[Seen | None], rows: Sequence[Row], form: str, findings: Findings
) -> list[Labelled | None]:
    """Pictures with their objects; None where there is no picture, whose boxes are left out.

    Args:
        seen: the pictures of a split.
        rows: boxes; their `picture` is a place in `seen`.
        form: what their numbers mean, a key of `FORMS`.
        findings: takes what is wrong with boxes.
    """
    there = [(place, one) for place, one in enumerate(seen) if one]
    new_place = {place: new for new, (place, _) in enumerate(there)}
    own = [row._replace(picture=new_place[row.picture]) for row in rows if row.picture in new_place]
    objects = objects_in(
        boxes_of(own, form),
        [one.name for _, one in there],
        [one.size for _, one in there],
        findings,
    )
    labelled: list[Labelled | None] = [None] * len(seen)
    for (place, one), held in zip(there, objects, strict=True):
        labelled[place] = Labelled(
            name=one.name, header=one.header, upright=one.upright, objects=held
        )
    return labelled
