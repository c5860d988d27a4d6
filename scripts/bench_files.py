"""Measure how fast a large results file is read and reported, and how fast commands start.

A part of `make bench`. Prints Markdown; needs 300 MB of disk, 1 GB of memory and a minute.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count, product
from pathlib import Path

from bench_rows import Row, Section, met

from attnbench.records import Environment, LayerRecord, Macs, Memory, store
from attnbench.records.disturbance import Contention
from attnbench.records.latency import Latency
from attnbench.records.schema import decode, text_of
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import Protocol, Workload
from attnbench.units import format_seconds

RECORDS = 100_000
SAMPLES = 30
READ_S, REPORT_S, HELP_S, LIST_S = 2.0, 20.0, 0.4, 0.6
"""The aims."""
LEAST_OF = 5
"""Number of starts; the fastest one counts."""
SIDES = (8, 14, 16, 24, 32, 48, 64)
MECHANISMS = (("dense", "reference"), ("dense", "sdpa"), ("window", "reference"),
              ("sparse", "reference"), ("anchor", "reference"), ("anchor", "folded"))  # fmt: skip
ENVIRONMENT = Environment(
    device="cpu", device_name="Invented CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


def files(records: int = RECORDS) -> Section:
    """The cost of reading and reporting a file of that many cells, and of a start."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jsonl"
        write_large(path, records)
        parsed_s = _parsing_s(path)
        read_s = _reading_s(path)
        report_s = _command_s("report", str(path), "--out", str(Path(folder) / "report"))
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


def write_large(path: Path, records: int) -> None:
    """Write a results file of that many different cells; the same number gives the same file."""
    lines = _lines(random.Random(0))
    with path.open("wb") as file:
        for _ in range(records):
            file.write(next(lines))


def _lines(chance: random.Random) -> Iterator[bytes]:
    """Cells of all mechanisms and sizes, then the same with other batches and widths."""
    cells = [store.encode(_cell(*cell)) for cell in product(SIDES, MECHANISMS)]
    for turn in count():
        for cell in cells:
            batch, dim = 1 + turn % 40, 192 * (1 + turn // 40)
            own = {
                "workload": {**cell["workload"], "batch": batch, "dim": dim},
                "latency": {**cell["latency"], "rounds_with": f"{batch}-{dim}",
                            "samples_s": [chance.gauss(1, 0.02) * batch for _ in range(SAMPLES)]},
            }  # fmt: skip
            yield text_of(decode({**cell, **own})).encode() + b"\n"


def _cell(side: int, mechanism: tuple[str, str]) -> LayerRecord:
    attention, impl = mechanism
    options = {"num_anchors": 30} if attention == "anchor" else {}
    macs = 192 * side**4 if attention == "dense" else 192 * 49 * side**2
    return LayerRecord(
        workload=Workload(attention=attention, grid=(side, side), impl=impl, options=options),
        environment=ENVIRONMENT, created="2026-01-01T00:00:00+00:00", protocol=Protocol(),
        params=148_224, traffic_bytes=2**20 * side, least_bytes=2**16 * side, operators=8,
        first_call_s=0.25, asked_by="sweep",
        macs=Macs(
            products_macs=macs, norms_ops=0, by_operator_macs={"linear": macs // 2, "matmul": macs},
            uncounted=("mul", "softmax"), training_macs=3 * macs,
        ),
        latency=Latency(
            samples_s=(1.0,) * SAMPLES, stopped_by="precision", cache="warm", warmup_s=1.5,
            contention=Contention(own_cores=1.75, other_cores=0.0125, stolen_cores=0.0),
        ),
        memory=Memory(peak_net_bytes=2**16 * side, peak_total_bytes=None, method="cpu profiler"),
    )  # fmt: skip


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
    section = files()
    heads = ("what", "measured", "aim", "outcome")
    rows = [(row.what, row.measured, row.aim, row.outcome) for row in section.rows]
    lines = [f"## {section.title}", "", section.conditions, ""]
    lines += table_lines(heads, (False,) * len(heads), rows)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
