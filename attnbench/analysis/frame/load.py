"""Stored records as one data frame, for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Literal

import pandas as pd

from attnbench.analysis.frame.frames import build
from attnbench.errors import UserError
from attnbench.records import store

Kind = Literal["layers", "models", "epochs"]


def load(
    paths: str | PathLike[str] | Sequence[str | PathLike[str]], kind: Kind | None = None
) -> pd.DataFrame:
    """The newest record of each cell: one row each, columns as in `layers.csv` and `models.csv`.

    Units are base units: seconds, bytes, MACs. `quotable` says whether a latency was measured well
    enough to conclude from. Lines that cannot be read are left out, with a warning.

    Args:
        paths: result files or folders.
        kind: "layers", "models" or "epochs"; it may be left out where the files hold one of them.

    Raises:
        UserError: nothing is there, or it holds several kinds and none is chosen.
    """
    given = [paths] if isinstance(paths, (str, PathLike)) else list(paths)
    contents = store.read_many([Path(fspath(path)) for path in given])
    for problem in contents.problems:
        warnings.warn(problem, stacklevel=2)
    frames = build(contents.records, contents.ceilings)
    every = {"layers": frames.layers, "models": frames.models, "epochs": frames.epochs}
    if kind is not None and kind not in every:
        raise UserError(f"kind: expected layers, models or epochs, got {kind!r}")
    found = [name for name, frame in every.items() if not frame.empty]
    if kind is None and len(found) != 1:
        got = " and ".join(found) or "no records"
        raise UserError(
            f'expected records of one kind, got {got}; choose with kind="{[*found, "layers"][0]}"'
        )
    return every[kind or found[0]].copy()
