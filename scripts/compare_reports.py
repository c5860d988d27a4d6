"""Compare the CSV files of two reports of the same records, row by row and number by number.

    python scripts/compare_reports.py OLD NEW

Prints each difference and exits with 1 if there is any. Numbers agree within a relative 1e-9.
Columns that were renamed since, and those that are not compared, are listed here.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from math import isclose
from pathlib import Path

RENAMED = {
    "layers.csv": {"anchors": "num_anchors"},
    "crossover.csv": {"setting": "conditions"},
}
"""The new name of each column that has another one, by file."""
ADDED = {
    "models.csv": {"task"},
    "training.csv": {"task"},
    "layers.csv": {"seed", "window_size", "sr_ratio"},
}
"""Columns that OLD need not have; window_size and sr_ratio are there where records set them."""
NOT_COMPARED = {"key"}
"""The key of a cell depends on the code that was measured."""
REWORDED = {"label", "doubts", "text"}
"""Texts may be worded differently, if rows that differ in them differ in them still."""
RELATIVE = 1e-9

Row = Mapping[str, str]


def differences(old: Path, new: Path) -> Iterator[str]:
    """Every difference between the CSV files of two report folders."""
    names = sorted(path.name for path in old.glob("*.csv"))
    for name in sorted({path.name for path in new.glob("*.csv")} - set(names)):
        yield f"{name}: only in {new}"
    for name in names:
        if (new / name).is_file():
            yield from _of_files(name, _rows(old / name), _rows(new / name))
        else:
            yield f"{name}: only in {old}"


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _of_files(name: str, old: list[Row], new: list[Row]) -> Iterator[str]:
    if len(old) != len(new):
        yield f"{name}: {len(old)} rows, then {len(new)}"
        return
    renamed = RENAMED.get(name, {})
    columns = {column: renamed.get(column, column) for column in old[0]} if old else {}
    expected = {*columns.values(), *ADDED.get(name, ())}
    extra = [column for column in (new[0] if new else ()) if column not in expected]
    if extra:
        yield f"{name}: new columns {', '.join(extra)}"
    for column, now in columns.items():
        if now not in new[0]:
            yield f"{name}: column {column} is gone"
        elif column in REWORDED:
            yield from _of_texts(name, column, old, new)
        elif column not in NOT_COMPARED:
            yield from _of_column(
                name, column, [(a[column], b[now]) for a, b in zip(old, new, strict=True)]
            )


def _of_column(name: str, column: str, pairs: list[tuple[str, str]]) -> Iterator[str]:
    for number, (before, after) in enumerate(pairs, start=2):
        if not _equal(before, after):
            yield f"{name}:{number} {column}: {before!r}, then {after!r}"


def _equal(before: str, after: str) -> bool:
    if before == after:
        return True
    try:
        return isclose(float(before), float(after), rel_tol=RELATIVE)
    except ValueError:
        return False


def _of_texts(name: str, column: str, old: list[Row], new: list[Row]) -> Iterator[str]:
    pairs = {(a[column], b[column]) for a, b in zip(old, new, strict=True)}
    before, after = ({pair[side] for pair in pairs} for side in (0, 1))
    if not len(pairs) == len(before) == len(after):
        yield f"{name} {column}: texts do not stand for the same things"
    for pair in sorted(pairs):
        if pair[0] != pair[1]:
            sys.stderr.write(f"{name} {column}: {pair[0]!r} reads {pair[1]!r}\n")


def main(old: Path, new: Path) -> int:
    """Print the differences; returns the exit status."""
    count = 0
    for line in differences(old, new):
        sys.stdout.write(line + "\n")
        count += 1
    sys.stdout.write(f"{count} differences\n")
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
