"""Describe the outcome of a crossover in words, with token counts and image sides."""

from __future__ import annotations

from attnbench.analysis.quotable import POOR
from attnbench.analysis.speedup.crossover import resolution_of
from attnbench.analysis.speedup.ratio_crossing import Crossing, Crossings
from attnbench.units import format_ratio


def text_of(judged: Crossings) -> str:
    """The outcome in words, with token counts and image sides."""
    if judged.outcome == POOR:
        return POOR
    first, last = judged.points[0], judged.points[-1]
    there = f"{format_ratio(last.ratio)} there"
    match judged.outcome:
        case "level":
            return "equal at every size"
        case "cannot tell":
            return f"cannot tell from {first.tokens:,.0f} to {last.tokens:,.0f}"
        case "ahead":
            text = _ahead(judged)
        case "behind":
            text = f"never in range (up to {last.tokens:,.0f}, {there})"
        case "falls behind":
            text = f"ahead at first, behind from {_crossing_text(judged.found[0])}"
        case "several":
            text = _several(judged)
        case _:
            text = f"from {_crossing_text(judged.found[0])}"
    return text + _undecided(judged)


def _undecided(judged: Crossings) -> str:
    """A note on the largest sizes if they are undecided: without an interval, or too close."""
    if not judged.undecided:
        return ""
    start = f"; from {judged.undecided[0].tokens:,.0f} on"
    if any(point.has_interval for point in judged.undecided):
        return f"{start} too close to tell"
    return f"{start} no interval can be given"


def _ahead(judged: Crossings) -> str:
    surely = next(point for point in judged.points if point.side)
    if judged.starts_late:
        return f"ahead from {surely.tokens:,.0f}; smaller sizes {POOR}"
    if surely is judged.points[0]:
        return f"ahead from the smallest size on ({surely.tokens:,.0f})"
    return f"never behind, clearly ahead from {surely.tokens:,.0f}"


def _several(judged: Crossings) -> str:
    """Every crossing in turn, so that a temporary lead does not look permanent."""
    words = {True: "ahead from", False: "behind from"}
    passages = [f"{words[crossing.rises]} {_crossing_text(crossing)}" for crossing in judged.found]
    return ", ".join(passages if judged.found[0].rises else ["ahead at first", *passages])


def _crossing_text(crossing: Crossing) -> str:
    side = f"{resolution_of(crossing.tokens):,.0f} px"
    if crossing.is_exact:
        low, high = crossing.between
        return f"{crossing.tokens:,.0f} ({side}; measured at {low:,.0f} and {high:,.0f})"
    low_text = "unknown" if crossing.low is None else f"{crossing.low:,.0f}"
    return f"{crossing.tokens:,.0f} [{low_text} – {crossing.high:,.0f}] ({side})"
