"""The outcomes beside results files: found by the hash in a record, read once.

A file that is missing or was changed is told, and whoever asks for it goes on without.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from attnbench.analysis.paired.judged import Judged, judged
from attnbench.files.reading import shown
from attnbench.records import OutcomeFile
from attnbench.records.outcome_file import OUTCOMES
from attnbench.scoring.outcome_file import UnusableError, read

WITHOUT = (
    "this run is compared by the intervals of scores, not image by image; `attnbench evaluate` "
    "keeps its outcomes again"
)


class OutcomeFiles:
    """Reads the outcomes that records speak of."""

    def __init__(self, results: Iterable[Path] = ()) -> None:
        """Look beside each of these results files, and in folders of them."""
        self._results = list(results)
        self._known: dict[OutcomeFile, Judged | None] = {}
        self.problems: list[str] = []
        """Files that could not be used, a line each."""

    @cached_property
    def _folders(self) -> list[Path]:
        found = (folder / OUTCOMES for path in self._results for folder in _folders_of(path))
        return list(dict.fromkeys(found))

    def judged(self, file: OutcomeFile | None) -> Judged | None:
        """The run behind a file; None if there is none, or it cannot be used."""
        if file is None:
            return None
        if file not in self._known:
            self._known[file] = self._read(file)
        return self._known[file]

    def _read(self, file: OutcomeFile) -> Judged | None:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not self._folders:
            return None
        problem = ""
        for folder in self._folders:
            try:
                return judged(read(folder / path, file.sha256))
            except UnusableError as error:
                problem = f"{shown(folder / path)}: {error}"
        self.problems.append(f"{problem}; {WITHOUT}")
        return None


def _folders_of(path: Path) -> list[Path]:
    """The folders of the results files at a path."""
    if not path.is_dir():
        return [path.parent]
    return sorted({file.parent for file in path.rglob("*.jsonl")}) or [path]
