"""How far a job is, in a small file beside its results.

Whoever waits for the job reads it, on whatever machine it runs, as long as both see the folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attnbench import clocks
from attnbench.errors import UserError
from attnbench.files.reading import read_text
from attnbench.files.writing import replace_text

TELL_EVERY_S = 1.0

State = Mapping[str, Any]
"""Plain values by name, in the words of whoever made the job."""


def told_file(results: Path) -> Path:
    """The file of a job that writes its records to `results`."""
    return results.with_suffix(".told")


class Teller:
    """Writes the file of a job, at most once a second; what cannot be written is left out."""

    def __init__(self, results: Path) -> None:
        """Nothing is written yet."""
        self._path = told_file(results)
        self._told_at: float | None = None

    def tell(self, state: State) -> None:
        """Replace what was told before, unless that was a moment ago."""
        now = clocks.monotonic()
        if self._told_at is None or now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            with suppress(OSError):
                replace_text(self._path, json.dumps(dict(state)))


def told(results: Path) -> State | None:
    """What a job has told last; None if it has told nothing."""
    with suppress(UserError, ValueError):
        state = json.loads(read_text(told_file(results)))
        return state if isinstance(state, dict) else None
    return None
