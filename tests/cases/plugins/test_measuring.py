"""What a plug-in's attention does to its process costs itself, and nobody beside it."""

import json
import os
import time
from pathlib import Path

import psutil
import pytest

from attnbench.benchmark.sweep import sweep
from attnbench.benchmark.worker import Worker
from attnbench.records import store
from attnbench.spec import Protocol, Workload

QUICK = Protocol(warmup_s=0, min_samples=3, precision=10, time_budget_s=0.05)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="POSIX processes")]


def cell(name):
    return Workload(attention=name, grid=(3, 5), dim=24, num_heads=3)


@pytest.mark.usefixtures("quick_workers")
def test_bad_cells_are_named_and_the_good_are_sampled_in_turn(strangers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["dense", "stranger-copied", "stranger-later", "stranger-quiet", "stranger-wanderer"]
    with Worker("cpu", [strangers], 60) as worker:
        records = sweep(list(map(cell, names)), QUICK, measure=worker.measure)
    assert [record.workload.attention for record in records] == names
    dense, copied, later, quiet, wanderer = records
    assert (dense.status, quiet.status) == ("ok", "ok")
    assert dense.latency.rounds_with == quiet.latency.rounds_with != ""
    assert copied.status == "failed"
    assert "forked the process and let the copy" in copied.reason or "left running" in copied.reason
    assert (later.status, later.reason) == ("failed", "the process ended with exit code 0")
    assert wanderer.status == "failed"
    assert f"changed the working folder from {tmp_path} to /; put back" in wanderer.reason


def test_a_profile_shows_and_stores_the_good_cells_and_says_what_died(
    strangers, attnbench, tmp_path
):
    code, out, err = attnbench(
        "profile", "--plugin", strangers, "--attention", "dense,stranger-parent", "--impl",
        "reference", "--n-tokens", 15, "--dim", 24, "--time-budget", 0.1, "--out", "own.jsonl",
        "--json",
    )  # fmt: skip
    assert code == 1
    assert "stranger-parent (reference) at 15 tokens ended its process: the process crashed" in err
    assert [one["status"] for one in json.loads(out)] == ["ok", "failed"]
    dense, _ = store.read(tmp_path / "own.jsonl").records
    assert dense.latency is not None
    child = int(Path("child.pid").read_text())
    deadline = time.monotonic() + 30
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
