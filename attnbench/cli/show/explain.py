"""What `attnbench explain` prints."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.cli.show.columns import Column as Head
from attnbench.cli.show.columns import number
from attnbench.cli.show.screen import Screen
from attnbench.explain.class_sheet import Column
from attnbench.explain.in_boxes import Estimate, InBoxes

CONTROL = "control: a Gaussian in the middle"
HEADS = ("pointing game", "energy inside", "pointing game\nbeyond control",
         "energy\nbeyond control")  # fmt: skip


def print_scores(columns: Sequence[Column], screen: Screen) -> None:
    """Print what was looked at, and what of the maps lies inside the boxes."""
    for column in columns:
        found = column.explained
        empty = f", {found.empty:,} of them empty" if found.empty else ""
        screen.say(f"{column.label}: {len(found.classes):,} maps of layer {found.layer}{empty}.")
    scored = [column for column in columns if column.explained.scores is not None]
    if not scored:
        screen.say("No boxes, so no numbers: give a data set with boxes to get them.", gap=True)
        return
    rows = []
    for column in scored:
        scores, control = column.explained.scores, column.explained.control
        assert scores is not None
        assert control is not None
        rows.append((column.label, f"{scores.pictures:,}", *_cells(scores)))
        rows.append((CONTROL, f"{control.pictures:,}", *_cells(control)[:2], "", ""))
    if len({row[1:] for row in rows[1::2]}) == 1:  # one control for all
        rows = [*rows[::2], rows[-1]]
    screen.say(f"Inside the boxes ({scored[0].questions.text}):", gap=True)
    screen.table([Head("model"), number("pictures"), *map(number, HEADS)], rows)
    screen.say(
        "Pointing game: share of the maps whose highest pixel is in a box. Energy: share of a "
        "map's sum that is. Intervals: 95 %, by bootstrap over the pictures."
    )


def _cells(scores: InBoxes) -> tuple[str, str, str, str]:
    return (
        _share(scores.pointing), _share(scores.energy), _points(scores.pointing_gain),
        _points(scores.energy_gain),
    )  # fmt: skip


def _share(one: Estimate) -> str:
    return f"{100 * one.value:.1f} % [{100 * one.low:.1f} - {100 * one.high:.1f}]"


def _points(one: Estimate) -> str:
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"
