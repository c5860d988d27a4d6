"""Records as files for other programs: one file for each kind of record, in one format."""

from __future__ import annotations

from pathlib import Path

from attnbench.analysis.frame.frames import Frames
from attnbench.errors import UserError
from attnbench.report.export.frames import export

SUFFIXES = {"csv": "csv", "json": "json", "parquet": "parquet", "latex": "tex"}
"""Of the files, by format."""


def write_files(frames: Frames, out: Path, file_format: str) -> list[Path]:
    """Write the layers, models and training of a report, as far as there are any.

    Args:
        frames: as `attnbench.load` gives them.
        out: the folder, created where needed.
        file_format: one of `SUFFIXES`.

    Raises:
        UserError: there are no records, or a file cannot be written.
    """
    kinds = {"layers": frames.layers, "models": frames.models, "training": frames.epochs}
    files = []
    for name, frame in kinds.items():
        if not frame.empty:
            files.append(out / f"{name}.{SUFFIXES[file_format]}")
            export(frame, files[-1], file_format)
    if not files:
        raise UserError(
            f"--format {file_format} expects records, got none; measure something first: "
            "`attnbench profile --n-tokens 1024`"
        )
    return files
