"""A frame of records in the formats of other programs: CSV, JSON, Parquet and LaTeX.

Units are base units in all but LaTeX, which is for reading. Keys, which are objects of ours, are
left out, and so are columns without any value. Text is made visible; what a program might compute
or run in it is written as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from attnbench.bounds import shortened
from attnbench.errors import UserError
from attnbench.files.reading import shown
from attnbench.files.writing import replacing
from attnbench.report.export.csv_file import write_frame
from attnbench.units import METRICS, PRIMARY_SCORE
from attnbench.visible import visible

LATEX_COLUMNS = (
    "label", "tokens", "data", "epoch", "train_loss", "macs", "latency_s", "memory_bytes", "params",
    *dict.fromkeys(PRIMARY_SCORE.values()),
)  # fmt: skip
"""Of a table for a paper, as far as the frame has them."""
PARQUET: Literal["pyarrow"] = "pyarrow"
"""The package with which pandas writes Parquet."""
_SPECIAL = re.compile(r"[\\&%$#_{}~^<>|\"]")
_ESCAPES = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip


def export(frame: pd.DataFrame, path: Path, file_format: str) -> None:
    """Write a frame of `attnbench.load`, or one of the report's.

    Args:
        frame: layers, models or epochs.
        path: of the file, which is replaced.
        file_format: csv, json, parquet or latex.

    Raises:
        UserError: there is no such format, the file cannot be written, or a package is missing.
    """
    check(file_format)
    plain = frame[[name for name in frame if not str(name).endswith("_key")]]
    plain = plain.dropna(axis="columns", how="all")
    try:
        FORMATS[file_format](plain, path)
    except OSError as error:
        raise UserError(
            f"cannot write {shown(path)}: {error.strerror or error}; choose another --out"
        ) from error


def check(file_format: str) -> None:
    """Refuse a format that is not known, or whose package is missing.

    Raises:
        UserError: see above; the message says what to choose or to install.
    """
    if file_format not in FORMATS:
        raise UserError(
            f"--format: expected one of {', '.join(FORMATS)}, got {shortened(file_format)}"
        )
    if file_format == "parquet" and not find_spec(PARQUET):
        raise UserError(
            f"--format parquet expects the package {PARQUET}, which is not installed; run `pip "
            f"install {PARQUET}`, or choose csv or json"
        )


def _csv(frame: pd.DataFrame, path: Path) -> None:
    write_frame(path, frame)


def _json(frame: pd.DataFrame, path: Path) -> None:
    """A list of objects; what was not measured is null."""
    rows = json.loads(frame.to_json(orient="records", double_precision=15, force_ascii=True))
    with replacing(path) as new:
        new.write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    """Types are kept; a column of several types, such as an option that may be a word, is text."""
    kinds = {name: pd.api.types.infer_dtype(frame[name], skipna=True) for name in frame}
    mixed = [name for name, kind in kinds.items() if kind in ("mixed", "mixed-integer")]
    texts = {str(name): frame[name].map(str, na_action="ignore") for name in mixed}
    with replacing(path) as new:
        frame.assign(**texts).to_parquet(new, engine=PARQUET, index=False)


def _latex(frame: pd.DataFrame, path: Path) -> None:
    """A booktabs table of the main columns, in the units of the report."""
    columns = [name for name in LATEX_COLUMNS if name in frame]
    heads = [_escaped(METRICS[n].axis_label if n in METRICS else n) for n in columns]
    shape = "".join("r" if pd.api.types.is_numeric_dtype(frame[n]) else "l" for n in columns)
    rows = [
        " & ".join(_cell(name, value) for name, value in zip(columns, row, strict=True)) + r" \\"
        for row in frame[columns].itertuples(index=False)
    ]
    lines = [
        r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{{shape}}}", r"\toprule",
        " & ".join(heads) + r" \\", r"\midrule", *rows, r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    with replacing(path) as new:
        new.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(name: str, value: Any) -> str:
    if pd.isna(value):
        return "--"
    if name in METRICS and isinstance(value, Real):
        return f"{float(value) * METRICS[name].scale:.4g}"
    return _escaped(str(value))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda sign: _ESCAPES.get(sign[0], "\\" + sign[0]), visible(text))


FORMATS: Mapping[str, Callable[[pd.DataFrame, Path], None]] = {
    "csv": _csv, "json": _json, "parquet": _parquet, "latex": _latex,
}  # fmt: skip
