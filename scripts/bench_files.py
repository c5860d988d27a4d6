"""Measure how fast large results files are read and reported, and how fast commands start.

A part of `make bench`. Prints Markdown; needs 600 MB of disk, 2 GB of memory and four minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench_rows import Row, Section, met, section_lines
from large_files import MODELS_SHARE, SAMPLES, write

from attnbench.records import store
from attnbench.units import format_seconds

RECORDS = 100_000
COMPARED_SHARE = 0.7
"""Share of the records that are compared and predicted from."""
READ_S, REPORT_S, COMPARE_S, PREDICT_S, HELP_S, LIST_S = 2.0, 30.0, 15.0, 15.0, 0.4, 0.6
"""The aims."""
LEAST_OF = 5
"""Number of starts; the fastest one counts."""


def files(records: int = RECORDS) -> Section:
    """The cost of reading and reporting a file of that many cells, and of a start."""
    compared = int(COMPARED_SHARE * records)
    with tempfile.TemporaryDirectory() as folder:
        path, tied, part = (Path(folder) / f"{name}.jsonl" for name in ("plain", "tied", "part"))
        write(path, records)
        write(tied, records, "tied")
        write(part, compared)
        out = ("--out", str(Path(folder) / "report"))
        parsed_s = _parsing_s(path)
        read_s = _reading_s(path)
        report_s = _command_s("report", str(path), *out)
        tied_s = _command_s("report", str(tied), *out)
        compare_s = _command_s("compare", str(part), str(part))
        predict_s = _command_s("predict", str(part), "--n-tokens", "1000")
        megabytes = path.stat().st_size / 1e6
    return Section(
        title="The tool itself",
        conditions=f"a file of {records:,} layer records with {SAMPLES} samples each "
        f"({megabytes:,.0f} MB); seconds of processor time, which other programs disturb less than "
        f"wall-clock time; starts by the clock, the fastest of {LEAST_OF}.",
        rows=[
            Row(
                what="`json.loads` of its lines, as a yardstick",
                measured=format_seconds(parsed_s),
                numbers={"parsed_s": parsed_s, "records": records},
            ),
            _row("reading it", read_s, READ_S, parsed_s),
            _row("`attnbench report` of it", report_s, REPORT_S, parsed_s),
            _row(
                f"the same with {int(MODELS_SHARE * records):,} models tied in cost and accuracy",
                tied_s,
                REPORT_S,
            ),
            _row(
                f"`attnbench compare` of {compared:,} layers with themselves", compare_s, COMPARE_S
            ),
            _row(f"`attnbench predict` from {compared:,} layers", predict_s, PREDICT_S),
            _row("`attnbench --help`", _start_s("--help"), HELP_S),
            _row("`attnbench list models`", _start_s("list", "models"), LIST_S),
        ],
    )


def _row(what: str, taken_s: float, aim_s: float, yardstick_s: float | None = None) -> Row:
    ratio = f", {taken_s / yardstick_s:.1f} × the yardstick" if yardstick_s else ""
    return Row(
        what=what,
        measured=format_seconds(taken_s) + ratio,
        aim=f"at most {format_seconds(aim_s)}",
        outcome=met(taken_s <= aim_s),
        numbers={"taken_s": taken_s},
    )


def _parsing_s(path: Path) -> float:
    start = time.process_time()
    with path.open("rb") as file:
        for line in file:
            json.loads(line)
    return time.process_time() - start


def _reading_s(path: Path) -> float:
    start = time.process_time()
    contents = store.read(path)
    taken_s = time.process_time() - start
    assert not contents.problems, contents.problems[0]
    return taken_s


def _command_s(*arguments: str) -> float:
    """Processor time of a command in seconds, its start included."""
    before = os.times()
    _run(arguments)
    after = os.times()
    spent = after.children_user - before.children_user
    return spent + after.children_system - before.children_system


def _start_s(*arguments: str) -> float:
    """Wall-clock seconds until a command has ended."""
    taken = []
    for _ in range(LEAST_OF):
        start = time.perf_counter()
        _run(arguments)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _run(arguments: Sequence[str]) -> None:
    program = "from attnbench.cli import main; main()"
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)


def main() -> None:
    """Measure, and print."""
    sys.stdout.write("\n".join(section_lines(files())) + "\n")


if __name__ == "__main__":
    main()
