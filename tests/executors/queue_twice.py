"""Train a small queue by an engine, in which one process is killed the first time; then again.

    python queue_twice.py ENGINE OPTION…

A program of its own, run in a folder of its own: engines leave processes and warnings behind. Ray
is started once. Prints a line of JSON a call: exit code, records by run, and what is left of jobs.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from attnbench.cli import main
from attnbench.executors.folder import jobs_folder
from attnbench.records import EpochRecord, ModelRecord, of_type, store

OUT = Path("train.jsonl")
PLUGIN = Path(__file__).with_name("small_runs.py")


def call(engine: str, options: Sequence[str]) -> int | str | None:
    """The exit code of `attnbench train`."""
    sys.argv = [
        "attnbench", "train", "small", "--plugin", str(PLUGIN), "--data", "pictures",
        "--attention", "dense,window", "--seeds", "0", "--epochs", "2", "--batch-size", "8",
        "--out", str(OUT), "--device", "cpu", "--threads", "1", "--executor", engine,
        *(word for option in options for word in ("--executor-option", option)),
    ]  # fmt: skip
    try:
        main()
    except SystemExit as stop:
        return stop.code
    return 0


def stored() -> dict[str, object]:
    """What the results hold, by attention: epochs, and whether the run has ended."""
    contents = store.read(OUT)
    ended = Counter(one.workload.attention for one in of_type(contents.records, ModelRecord))
    epochs: dict[str, list[int]] = {}
    for one in of_type(contents.records, EpochRecord):
        epochs.setdefault(one.workload.attention, []).append(one.progress.epoch)
    return {
        "epochs": epochs, "ended": ended, "problems": len(contents.problems),
        "hosts": len({one.host for one in contents.records} - {""}),
        "left": len([*jobs_folder(OUT).glob("*.jsonl"), *jobs_folder(OUT).glob("*.told")]),
    }  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "ray":
        import ray

        ray.init(num_cpus=2, log_to_driver=False)
    engine, *options = sys.argv[1:]
    for _ in range(2):
        told = {"code": call(engine, options), **stored()}
        sys.__stdout__.write(json.dumps(told) + "\n")  # type: ignore[union-attr]
