"""The records that a command reads if it is given no paths."""

from __future__ import annotations

import sys
from pathlib import Path

from attnbench.cli.options import RUNS
from attnbench.errors import UserError

MEASURED = Path("results/measured")


def default_source() -> Path:
    """The user's runs, or the published records (with a message on stderr) if there are none."""
    if any(RUNS.rglob("*.jsonl")):
        return RUNS
    if any(MEASURED.rglob("*.jsonl")):
        print(f"no runs in {RUNS} yet: using the published records in {MEASURED}",
              file=sys.stderr)  # fmt: skip
        return MEASURED
    raise UserError(
        f"no records in {RUNS} or {MEASURED}; run `attnbench profile` or `attnbench train` first, "
        "or give the paths of result files"
    )
