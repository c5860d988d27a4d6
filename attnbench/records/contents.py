"""What was read of results files: the lines by their kind, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from attnbench.records.machine_lines import Ceiling, Checkup
from attnbench.records.record import (
    CostRecord,
    EpochRecord,
    LayerRecord,
    ModelRecord,
    Record,
    of_type,
)
from attnbench.records.schema import Line


@dataclass(frozen=True, slots=True)
class Contents:
    """The lines of a file by their kind, and the problems of those that could not be read."""

    records: list[Record] = field(default_factory=list)
    """In the order of the file."""
    ceilings: list[Ceiling] = field(default_factory=list)
    checkups: list[Checkup] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Add a line to the list of its kind."""
        getattr(self, _LISTS.get(line.kind, "records")).append(line)

    def extend(self, other: Contents) -> None:
        """Add all that the other holds."""
        for known in fields(self):
            getattr(self, known.name).extend(getattr(other, known.name))

    @property
    def is_empty(self) -> bool:
        """Whether there is no readable line."""
        return not (self.records or self.ceilings or self.checkups)

    @property
    def layers(self) -> list[LayerRecord]:
        """The records of layers."""
        return of_type(self.records, LayerRecord)

    @property
    def models(self) -> list[ModelRecord]:
        """The records of models."""
        return of_type(self.records, ModelRecord)

    @property
    def epochs(self) -> list[EpochRecord]:
        """The records of epochs."""
        return of_type(self.records, EpochRecord)

    @property
    def costs(self) -> list[CostRecord]:
        """The records of layers and models."""
        return of_type(self.records, CostRecord)


_LISTS = {"ceiling": "ceilings", "checkup": "checkups"}
