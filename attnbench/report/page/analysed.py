"""All that the report says of some records, worked out once for page, summary and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from attnbench.analysis.frame.frames import Frames, build
from attnbench.analysis.growth.exponent import scaling
from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.speedup.crossover import crossovers
from attnbench.analysis.tradeoff.groups import COSTS, Tradeoff
from attnbench.records import CostRecord, Record, of_type, store
from attnbench.report.page import limits
from attnbench.report.page.data.payload import Growth
from attnbench.report.page.data.tradeoffs import Groups, groups_of
from attnbench.report.page.findings import Finding, findings
from attnbench.report.page.notes import Notes, notes_of

ON_FRONTIER = {"on the frontier": "yes", "dominated": "no", "cannot tell": "cannot tell"}
"""A verdict as the column `on_frontier` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """Records, what follows from them, and where they come from."""

    records: Sequence[Record]
    frames: Frames
    """The layers with the newest conditions first."""
    growth: Growth
    groups: Groups
    findings: Sequence[Finding]
    notes: Sequence[Notes]
    problems: Sequence[str]
    """Lines that could not be read."""
    sources: Sequence[str]

    @property
    def costs(self) -> list[CostRecord]:
        """The records of layers and models."""
        return of_type(self.records, CostRecord)


def analysed(
    contents: store.Contents, paths: Sequence[Path], cost: str, *, figures: bool = False
) -> Analysed:
    """What follows from the records.

    Args:
        contents: the records.
        paths: where they come from.
        cost: the axis that column `on_frontier` is about.
        figures: whether static figures are drawn, whose limits are then told.
    """
    frames = build(contents.records, contents.ceilings)
    frames = replace(frames, layers=limits.newest_first(frames.layers))
    outcomes = OutcomeFiles(paths)
    groups = groups_of(frames.models, outcomes)
    frames = replace(frames, models=_with_frontier(frames.models, groups[cost]))
    growth = Growth(scaling=scaling(frames.layers), crossovers=crossovers(frames.layers))
    chosen = [Notes(items=[note]) for note in frames.notes]
    return Analysed(
        records=contents.records, frames=frames, growth=growth, groups=groups,
        findings=findings(frames.layers, growth.crossovers, groups["macs"]),
        notes=[
            *chosen, Notes(items=outcomes.problems),
            *notes_of(frames, groups[cost], COSTS[cost], figures=figures),
        ],
        problems=contents.problems, sources=[str(path) for path in paths],
    )  # fmt: skip


def _with_frontier(models: pd.DataFrame, groups: Sequence[Tradeoff]) -> pd.DataFrame:
    """Add `on_frontier`: yes, no or cannot tell; empty if score or cost is missing."""
    verdicts = {
        index: ON_FRONTIER[standing.verdict]
        for group in groups
        for members, standing in zip(group.members, group.standings, strict=True)
        for index in members
    }
    return models.assign(on_frontier=[verdicts.get(index, "") for index in models.index])
