"""A results file that several sweeps write to at the same time: they share its cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attnbench.benchmark.claims import Claims
from attnbench.records import CostRecord
from attnbench.records.schema import parse


class SharedFile:
    """Claims on the cells of a results file, and what others store in it; a context manager.

    Open it before the settled records of the file are read, so that no record is missed.
    """

    def __init__(self, results: Path) -> None:
        """Remember where the file ends."""
        self._results = results
        self._claims = Claims(results)
        self._read_to = results.stat().st_size if results.exists() else 0
        self._stored: dict[str, CostRecord] = {}

    def __enter__(self) -> SharedFile:
        self._claims.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._claims.__exit__(*error)

    @contextmanager
    def claimed(self, keys: Sequence[str]) -> Iterator[bool]:
        """Claim the cells of one comparison, all or none: whether they are ours in this block."""
        with self._claims.held(keys) as ours:
            yield ours

    def stored_since(self) -> dict[str, CostRecord]:
        """The records that were appended since the file was opened, by key, whoever did it.

        A cell that failed counts too: the other sweep has tried it just now.
        """
        if self._results.exists():
            with self._results.open("rb") as file:
                file.seek(self._read_to)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read_to += len(whole)
            for line in whole.splitlines():
                with suppress(ValueError, TypeError, KeyError):  # reading the file names it
                    record = parse(line)
                    if isinstance(record, CostRecord):
                        self._stored[record.key] = record
        return self._stored
