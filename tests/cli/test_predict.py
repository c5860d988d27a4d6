"""`attnbench predict` end to end: outputs and exit codes."""

from __future__ import annotations

import json

import pytest
from record_builders import memoryless

from attnbench.records import Environment, LayerRecord, Memory, store
from attnbench.records.latency import Latency
from attnbench.spec import Workload

MACHINE = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


def layer(attention, side, seconds):
    samples = memoryless(seconds * (1 + 0.001 * i) for i in range(30))
    return LayerRecord(
        workload=Workload(attention=attention, grid=(side, side)),
        environment=MACHINE,
        created="2026-01-01T00:00:00+00:00",
        latency=Latency(samples_s=samples, stopped_by="precision", span_s=1.0),
        memory=Memory(peak_net_bytes=2**10 * side**2, peak_total_bytes=None, method="cpu profiler"),
    )


@pytest.fixture(autouse=True)
def published(tmp_path):
    """results/measured has dense and window at four sizes."""
    for side in (8, 16, 32, 64):
        for name, seconds in (("dense", 1e-9 * side**4), ("window", 1e-6 * side**2)):
            path = tmp_path / "results" / "measured" / "a.jsonl"
            store.append(path, layer(name, side, seconds))


def test_the_table_has_intervals_speed_ups_and_where_they_come_from(attnbench):
    code, out, err = attnbench("predict", "--n-tokens", 16384)
    assert code == 0
    assert "published records in results/measured" in err
    assert "16,384 tokens, predicted: forward, float32" in out
    assert "from 64 … 4,096 tokens (4 sizes)" in out
    assert "baseline" in out
    assert "speed-up is over dense (reference), the dense attention predicted" in out
    assert "16.0 MiB" in out


def test_the_users_own_runs_come_first(attnbench, tmp_path):
    for side in (10, 20, 30):
        store.append(tmp_path / "results" / "runs" / "b.jsonl", layer("window", side, 1e-3))
    code, out, err = attnbench("predict", "--n-tokens", 500)
    assert (code, err) == (0, "")
    assert "from 100 … 900 tokens (3 sizes)" in out
    assert "dense" not in out


def test_json_stands_alone_on_standard_output(attnbench):
    code, out, _ = attnbench("predict", "--n-tokens", 1000, "--attention", "window", "--json")
    (group,) = json.loads(out)["groups"]
    assert code == 0
    assert [p["attention"] for p in group["predictions"]] == ["window"]
    low, high = group["predictions"][0]["latency_interval_s"]
    assert low < 1e-6 * 1000 * 1.0145 < high


def test_unlike_sizes_stand_in_a_column(attnbench, tmp_path):
    store.append(tmp_path / "results" / "measured" / "a.jsonl", layer("window", 100, 1e-2))
    _, out, _ = attnbench("predict", "--n-tokens", 16384)
    assert "64 … 10,000 tokens (5 sizes)" in out
    assert "64 … 4,096 tokens (4 sizes)" in out


BAD = {
    "too far": (["--n-tokens", 10**6], "--attention dense,window --n-tokens 62500"),
    "too few tokens": (["--n-tokens", 0], "--n-tokens: expected a whole number from 1"),
    "unknown": (["--n-tokens", 100, "--attention", "anchor"], "anchor is not in the records"),
    "no name": (["--n-tokens", 100, "--attention", ","], "needs at least one name"),
    "no file": (["--n-tokens", 100, "nowhere.jsonl"], "cannot read nowhere.jsonl"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_predicted_is_one_line_and_exit_code_2(attnbench, case):
    arguments, expected = BAD[case]
    code, out, err = attnbench("predict", *arguments)
    assert (code, out) == (2, "")
    assert expected in err
    lines = [line for line in err.splitlines() if not line.startswith("no runs in")]
    assert len(lines) == 1


def test_many_conditions_are_counted(attnbench, monkeypatch):
    monkeypatch.setattr("attnbench.cli.predict.MOST_SHOWN", 0)
    _, result, _ = attnbench("predict", "--n-tokens", "16384")
    assert result.endswith("and 1 more conditions; --json prints all of them\n")
    _, shown, _ = attnbench("predict", "--n-tokens", "16384", "--json")
    assert len(json.loads(shown)["groups"]) == 1
