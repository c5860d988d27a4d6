"""Storing records, with the author and the resolution floor of the machine in each.

From Python:

    import attnbench

    recorder = attnbench.Recorder("results/runs/mine.jsonl")
    workloads = [
        attnbench.Workload(attention="dense", grid=(32, 32)),
        attnbench.Workload(attention="anchor", grid=(32, 32), options={"num_anchors": 30}),
    ]
    attnbench.profile(workloads, on_record=recorder.keep)

`attnbench report` then draws the records as it draws those of its own commands.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from attnbench.records import Environment, Floor, Record

RUNS = Path("results/runs")
"""Where records go unless told otherwise, and where `report` looks first."""
CEILINGS = RUNS / "ceilings.jsonl"
"""Where `ceilings` writes unless told otherwise, and where `profile --details` looks."""
CHECKUPS = RUNS / "doctor.jsonl"
"""Where `doctor` writes unless told otherwise, and where later commands look for the floor."""

AnyRecord = TypeVar("AnyRecord", bound="Record")


class Recorder:
    """Appends records to a file on behalf of a command or a Python user."""

    def __init__(
        self, out: Path | str, asked_by: str = "python", checkups: Path | str = CHECKUPS
    ) -> None:
        """Try the file; nothing is written to it before the first record.

        Args:
            out: the file to append to; it is created, with its folder, if it is missing. A
                relative path starts from the folder that is the working folder here, whatever
                measured code changes later.
            asked_by: the command, or what a Python user calls the study.
            checkups: the file of `doctor`, which the resolution floor comes from.

        Raises:
            UserError: the file cannot be written.
        """
        from attnbench.records.place import try_file

        self.out = Path(out).absolute()
        try_file(self.out, "file")
        self.asked_by = asked_by
        self.checkups = Path(checkups).absolute()
        self._floor = cache(self._latest_floor)

    def keep(self, record: AnyRecord) -> AnyRecord:
        """Append a record, with its author and its floor; returns it as it was stored.

        Raises:
            UserError: the file cannot be written, or the checkups cannot be read.
        """
        from attnbench.records import CostRecord, store

        kept = replace(record, asked_by=self.asked_by)
        if isinstance(kept, CostRecord):
            kept = replace(kept, floor=self._floor(kept.environment))
        store.append(self.out, kept)
        return kept

    def _latest_floor(self, environment: Environment) -> Floor | None:
        from attnbench.records.floor import latest_floor

        return latest_floor([self.checkups], environment)
