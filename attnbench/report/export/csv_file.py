"""Write rows to a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attnbench.errors import UserError


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with equal keys; columns that are empty in every row are left out.

    Raises:
        UserError: the file cannot be written.
    """
    columns = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose another --out") from error
