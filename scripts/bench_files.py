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
from pathlib import Path
from typing import NamedTuple

from bench_rows import Row, Section, met, section_lines
from large_files import MODELS_SHARE, SAMPLES, write

from attnbench.records import store
from attnbench.units import format_bytes, format_seconds

RECORDS = 100_000
COMPARED_SHARE = 0.7
"""Share of the records that are compared and predicted from."""
READ_S, REPORT_S, COMPARE_S, PREDICT_S, HELP_S, LIST_S = 2.0, 20.0, 15.0, 15.0, 0.4, 0.6
MOST_BYTES = 2**30
"""The aims; that of the memory is for each command at its peak."""
PROGRAM = (sys.executable, "-c", "from attnbench.cli import main; main()")
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
        report = _command("report", str(path), *out)
        tie = _command("report", str(tied), *out)
        compared_cost = _command("compare", str(part), str(part))
        predicted = _command("predict", str(part), "--n-tokens", "1000")
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
            _row("reading it", Cost(read_s), READ_S, parsed_s),
            _row("`attnbench report` of it", report, REPORT_S, parsed_s),
            _row(
                f"the same with {int(MODELS_SHARE * records):,} models tied in cost and accuracy",
                tie,
                REPORT_S,
            ),
            _row(
                f"`attnbench compare` of {compared:,} layers with themselves",
                compared_cost,
                COMPARE_S,
            ),
            _row(f"`attnbench predict` from {compared:,} layers", predicted, PREDICT_S),
            _row("`attnbench --help`", Cost(_start_s("--help")), HELP_S),
            _row("`attnbench list models`", Cost(_start_s("list", "models")), LIST_S),
        ],
    )


class Cost(NamedTuple):
    """What a command took: seconds, and bytes at its peak, 0 if they do not matter."""

    taken_s: float
    peak_bytes: int = 0


def _row(what: str, cost: Cost, aim_s: float, yardstick_s: float | None = None) -> Row:
    ratio = f", {cost.taken_s / yardstick_s:.1f} × the yardstick" if yardstick_s else ""
    peak = f", {format_bytes(cost.peak_bytes)}" if cost.peak_bytes else ""
    numbers = {"taken_s": cost.taken_s}
    if cost.peak_bytes:
        numbers["peak_bytes"] = float(cost.peak_bytes)
    return Row(
        what=what,
        measured=format_seconds(cost.taken_s) + ratio + peak,
        aim=f"at most {format_seconds(aim_s)}"
        + (f" and {format_bytes(MOST_BYTES)}" if cost.peak_bytes else ""),
        outcome=met(cost.taken_s <= aim_s and cost.peak_bytes <= MOST_BYTES),
        numbers=numbers,
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


def _command(*arguments: str) -> Cost:
    """Processor time of a command, its start included, and its peak of memory."""
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return Cost(used.ru_utime + used.ru_stime, 1024 * used.ru_maxrss)


def _start_s(*arguments: str) -> float:
    """Wall-clock seconds until a command has ended."""
    taken = []
    for _ in range(LEAST_OF):
        start = time.perf_counter()
        subprocess.run([*PROGRAM, *arguments], check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    """Measure, and print."""
    sys.stdout.write("\n".join(section_lines(files())) + "\n")


if __name__ == "__main__":
    main()
