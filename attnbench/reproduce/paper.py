"""Read the tables of `results/paper/`: numbers that the paper prints, and published ones.

A checkout has the tables in `results/paper/`; an installed package has a copy. The columns are
described in `results/paper/README.md`. Values are texts as printed; `number` and `scaled` turn them
into numbers.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
from functools import cache
from pathlib import Path

from attnbench.errors import UserError
from attnbench.files.reading import UnreadableError, read_text, shown

Row = dict[str, str]

COLUMNS: dict[str, tuple[str, ...]] = {
    "table1": ("flops_range", "model", "params_M", "flops_G", "top1", "top5", "notes"),
    "table2": ("model", "params_M", "flops_G", "mAP", "AP50", "AP75", "notes"),
    "table3": ("backbone", "method", "params_M", "flops_G", "mIoU", "mAcc", "notes"),
    "table4": ("row", "vit", "anchor", "diff", "params_M", "flops_G", "top1", "improvement_pct",
               "direction", "notes"),
    "table5": ("trunk", "anchors", "params_M", "flops_G", "top1", "improvement_pct", "direction",
               "notes"),
    "original_reports": ("system", "variant", "params_M", "gmacs", "top1", "resolution", "source",
                         "top5", "checked"),
    "original_reports_dense": ("task", "system", "split", "resolution", "params_M", "compute_G",
                               "compute_convention", "metrics", "source", "checked"),
    "measured": ("system", "how", "input_px", "params_M", "fvcore_G", "flopcounter_GMACs",
                 "paper_params_M", "paper_flops_G", "notes"),
    "systems": ("name", "table1_row", "original_system", "original_variant", "measured_row",
                "native_px", "kind"),
    "systems_dense": ("table", "row", "head", "name", "options", "height", "width", "num_classes",
                      "operations", "published", "resolution", "measured", "kind", "note"),
    "claims": ("id", "by", "about", "kind", "where", "quote", "claim", "claimed", "unit", "check",
               "arguments", "computed", "verdict", "evidence"),
    "quotes": ("where", "quote", "seen"),
}  # fmt: skip
"""The tables, and the columns that each must have."""

INSTALLED = "share/attnbench/paper"
"""Folder of the tables below the prefix that the wheel is installed to."""


@cache
def folder() -> Path:
    """The folder of the tables: that of the checkout, or the installed one.

    Raises:
        UserError: neither exists.
    """
    checkout = Path(__file__).resolve().parents[2] / "results" / "paper"
    if checkout.is_dir():
        return checkout
    for file in importlib.metadata.files("attnbench") or ():
        if file.as_posix().endswith(f"{INSTALLED}/table1.csv"):
            return Path(str(file.locate())).resolve().parent
    raise UserError(
        f"the paper's tables are neither in {checkout} nor installed; install attnbench again"
    )


def table(name: str) -> list[Row]:
    """The rows of a table, in the order of the file.

    Raises:
        UserError: no such table, no such file, a column is missing, or a line is damaged.
    """
    if name not in COLUMNS:
        raise UserError(f"unknown table {name!r}; there are {', '.join(COLUMNS)}")
    path = folder() / f"{name}.csv"
    try:
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
        found = tuple(reader.fieldnames or ())
        rows = list(reader)
    except (UnreadableError, csv.Error) as error:
        raise UserError(f"{error}; restore the file {shown(path)}") from error
    missing = [column for column in COLUMNS[name] if column not in found]
    if missing:
        raise UserError(
            f"{path}: expected the columns {', '.join(COLUMNS[name])}; {', '.join(missing)} is "
            "missing: restore the file"
        )
    for line, row in enumerate(rows, start=1):
        if not _is_whole(row):
            raise UserError(
                f"{path}: row {line} has other cells than the header, or cells that are no text: "
                "restore the file"
            )
    return rows


def _is_whole(row: dict[str | None, object]) -> bool:
    """Whether each column has a printable cell: csv gives None for a missing one."""
    return None not in row and all(isinstance(c, str) and c.isprintable() for c in row.values())


def one(rows: list[Row], **values: str) -> Row:
    """The first row with these values.

    Raises:
        UserError: no row has them.
    """
    for row in rows:
        if all(row.get(column) == value for column, value in values.items()):
            return row
    wanted = ", ".join(f"{column} {value!r}" for column, value in values.items())
    raise UserError(f"expected a row with {wanted} in the paper's tables, got none; restore them")


def number(text: str) -> float | None:
    """A printed number, or None if nothing was printed ("" or "-")."""
    try:
        return None if text in ("", "-") else float(text)
    except ValueError:
        raise UserError(
            f"expected a number in the paper's tables, got {text!r}; restore them"
        ) from None


def scaled(text: str, unit: float) -> float | None:
    """A printed number in base units: "5.6" with unit 1e6 is 5,600,000."""
    value = number(text)
    # Twelve digits, so that 77.1 % becomes 0.771 and not 0.7709999….
    return None if value is None else float(f"{value * unit:.12g}")


def last_place(text: str) -> float:
    """The value of one unit in the last printed digit: 0.01 for "1.25", 1 for "28"."""
    decimals = len(text.partition(".")[2])
    return float(10.0**-decimals)
