"""The results files of jobs join the one that was asked for, each record once."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import suppress
from pathlib import Path

from attnbench.records import EpochRecord, Record, store
from attnbench.records.schema import parse


class Merged:
    """A results file that records of jobs are appended to; those that it holds are passed over."""

    def __init__(self, out: Path) -> None:
        """Read what the file holds, if it exists.

        Args:
            out: the results file.

        Raises:
            UserError: it cannot be read.
        """
        self._out = out
        self.records = list(store.read(out).records) if out.exists() else []
        """The records in the file, in their order."""
        self._known = {_identity(record) for record in self.records}

    def add(self, lines: bytes) -> list[Record]:
        """Append the records of a job; what a crash cut off is left out.

        Returns:
            The new records.

        Raises:
            UserError: the file cannot be written.
        """
        before = len(self.records)
        for record in _records(lines):
            if _identity(record) not in self._known:
                store.append(self._out, record)
                self._known.add(_identity(record))
                self.records.append(record)
        return self.records[before:]


def _records(lines: bytes) -> Iterator[Record]:
    for line in lines.splitlines():
        with suppress(ValueError, TypeError, KeyError):
            record = parse(line)
            if isinstance(record, Record):
                yield record


def _identity(record: Record) -> Hashable:
    """Tells records apart: two of one cell differ in the moment or the machine."""
    epoch = record.progress.epoch if isinstance(record, EpochRecord) else None
    return record.kind, record.key, record.created, record.host, epoch
