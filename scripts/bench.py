"""Measure the harness itself on this machine; a part of `make bench`, about ten minutes.

Prints Markdown: agreement with torch's own timer, how often a comparison gives the known answer,
both again beside programs that are busy half of the time, what a sample costs beyond the call, and
what a cell of a sweep costs beyond measuring it. Each aim is printed with its outcome, missed or
met.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from bench_cost import overhead, sweeping
from bench_coverage import coverage
from bench_known import agreement, comparisons, operators
from bench_load import beside_others
from bench_rows import Effort, Section, full_effort, section_lines
from rich.console import Console

from attnbench.cores import available_cores
from attnbench.doctor.timed_operator import choose_operator
from attnbench.profiling.machine.contention import contention_between, usage_now
from attnbench.profiling.machine.environment import choose_device
from attnbench.records import Environment, now

OnStep = Callable[[str], None]


def bench(
    device: torch.device, effort: Effort, on_step: OnStep = lambda text: None
) -> tuple[list[str], list[Section]]:
    """The conditions, and a section for each thing measured."""
    on_step("choosing an operator")
    before, begun = usage_now(), time.perf_counter()
    operator = choose_operator(device)
    on_step("agreement with torch's timer")
    sections = [agreement(operators(device), device, effort)]
    on_step(f"{2 * effort.comparisons} comparisons")
    sections.append(comparisons(operator, effort))
    on_step("overhead of sampling")
    sections.append(overhead(effort))
    # Before what is our own, but would count as other programs.
    contention = contention_between(before, usage_now())
    on_step("beside busy programs")
    sections.append(beside_others(operator, effort))
    on_step(f"a sweep of {len(effort.workloads)} cells")
    sections.append(sweeping(device, effort))
    on_step("coverage of the intervals")
    sections += coverage(effort.series)
    others = f"{contention.other_cores:.2f}" if contention else "unknown"
    return [
        *conditions(operator.environment),
        f"cores used by other programs before any were planted: {others}",
        f"whole run: {time.perf_counter() - begun:.0f} s",
    ], sections


def conditions(environment: Environment) -> list[str]:
    """The conditions of every number of the run."""
    return [
        environment.label,
        f"Python {environment.python}, {environment.platform}, attnbench {environment.attnbench} "
        f"(code {environment.code}), {available_cores()} cores, {now()}",
    ]


def markdown(facts: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole run as Markdown."""
    lines = ["# The harness on this machine", "", *(f"- {fact}" for fact in facts)]
    for section in sections:
        lines += ["", *section_lines(section)]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    parser = argparse.ArgumentParser(description="Measure the harness itself on this machine.")
    parser.add_argument("--device", default="auto", help="auto (GPU if there is one), cpu or cuda")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    chosen = parser.parse_args()
    with Console(stderr=True).status("starting") as status:
        facts, sections = bench(choose_device(chosen.device), full_effort(), status.update)
    sys.stdout.write(markdown(facts, sections) + "\n")
    if chosen.json is not None:
        plain = {"conditions": facts, "sections": [asdict(section) for section in sections]}
        chosen.json.write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":  # a worker imports this file again
    main()
