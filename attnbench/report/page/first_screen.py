"""The top of the page: what was measured, where, when; and which command makes what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.analysis.frame.frames import Frames
from attnbench.analysis.frame.rows import PRIMARY
from attnbench.analysis.quotable import poor
from attnbench.analysis.shortened import some_of
from attnbench.records import Record
from attnbench.report.page import limits

MACHINES_NAMED = 3
SOURCES_NAMED = 3
MOSTLY = 0.5
"""From this share on, the page begins with what was not measured well enough."""
SWEEP = "attnbench sweep --n-tokens 196,1024,4096"
TRAIN = "attnbench train pyramid-t --attention anchor"
CEILINGS = "attnbench ceilings"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstScreen:
    """What a reader must know before any number."""

    what: str
    where: str
    when: str
    sources: str
    warning: str
    """That most latencies are graded C; "" if they are not."""


def first_screen(frames: Frames, records: Sequence[Record], sources: Sequence[str]) -> FirstScreen:
    """The facts of these records."""
    return FirstScreen(
        what=_what(frames) or "no records yet", where=_where(frames), when=_when(records),
        sources=some_of(sources, SOURCES_NAMED), warning=_warning(frames),
    )  # fmt: skip


def _what(frames: Frames) -> str:
    layers, models = frames.layers, frames.models
    mechanisms = layers["attention"].nunique()
    parts = [
        _count(len(layers), "layer cell") + f" of {_count(mechanisms, 'mechanism')}",
        _count(len(models), "model"),
        _count(frames.epochs["run"].nunique(), "training run"),
    ]
    return ", ".join(part for part in parts if not part.startswith("0 "))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _where(frames: Frames) -> str:
    """The devices; the conditions say with which threads and versions."""
    every = (frames.layers, frames.models, frames.epochs)
    machines = dict.fromkeys(machine for frame in every for machine in frame["machine_key"])
    names = list(dict.fromkeys(machine.device_name for machine in machines))
    ways = f" ({len(machines)} environments)" if len(machines) > len(names) else ""
    return some_of(names, MACHINES_NAMED, "; ") + ways


def _when(records: Sequence[Record]) -> str:
    days = sorted({record.created[:10] for record in records})
    return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else ""


def _warning(frames: Frames) -> str:
    """That most latencies must not be quoted, and which kinds of cells these are."""
    timed = sum(int(frame["latency_s"].notna().sum()) for frame in (frames.layers, frames.models))
    bad = sum(len(poor(frame)) for frame in (frames.layers, frames.models))
    if not timed or bad < MOSTLY * timed:
        return ""
    return (
        f"{bad:,} of {timed:,} latencies are graded C: they are shown hollow, nothing joins them, "
        "and nothing is concluded from them. The sections say which command measures them again."
    )


def missing(frames: Frames) -> dict[str, tuple[str, str]]:
    """What each section lacks, and the command that makes it; nothing for whole sections."""
    layers, models = frames.layers, frames.models
    sizes = layers.groupby("conditions_key", sort=False)["tokens"].nunique()
    found = {}
    if models[PRIMARY].isna().all():
        found["frontier"] = ("No model was trained and evaluated.", TRAIN)
    if layers.empty:
        found["scaling"] = ("No layer was measured.", SWEEP)
    elif (sizes < limits.LEAST_SIZES).all():
        found["scaling"] = ("No conditions have two sizes, so there is no curve.", SWEEP)
    if layers["roof_macs_per_s"].isna().all():
        found["limits"] = ("The limits of this machine were not measured.", CEILINGS)
    if frames.epochs[PRIMARY].isna().all():
        found["training"] = ("No training was recorded.", TRAIN)
    if layers.empty and models.empty:
        found["cells"] = ("Nothing was measured.", "attnbench profile --n-tokens 1024")
    return found
