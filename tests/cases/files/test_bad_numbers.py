"""A line with a number that cannot be is skipped and named; the others are used."""

import json
import time

import pytest

from attnbench.records import store


def read_with(tmp_path, line, plain):
    """What is read of two good lines around a bad one, and its only problem."""
    path = tmp_path / "a.jsonl"
    good = [json.dumps(good).encode() for good in plain[1:3]]
    path.write_bytes(b"\n".join([good[0], line, good[1], b""]))
    contents = store.read(path)
    assert len(contents.records) == 2
    (problem,) = contents.problems
    assert problem.startswith(f"{path}:2: skipped, ")
    assert len(problem) < 500
    return problem


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("params", -1, "`int` >= 0 - at `$.params`"),
        ("params", 2**63, "at `$.params`"),
        ("params", 1.5, "Expected `int | null`, got `float`"),
        ("params", True, "Expected `int | null`, got `bool`"),
        ("macs.products_macs", -1, "at `$.macs.products_macs`"),
        ("latency.samples_s", [0.0] * 30, "`float` > 0.0 - at `$.latency.samples_s[0]`"),
        ("latency.samples_s", [1.0, -1.0], "at `$.latency.samples_s[1]`"),
        ("latency.samples_s", [], "a latency needs at least one sample"),
        ("latency.samples_s", [1e200], "at `$.latency.samples_s[0]`"),
        ("workload.dim", 0, "dim"),
        ("workload.batch", -3, "batch"),
        ("workload.dim", 10**30, "dim"),
        ("workload.grid", [0, 4], "tokens"),
        ("environment.threads", -1, "at `$.environment.threads`"),
        ("reason", "x" * 2_000_000, "length <= 65536 - at `$.reason`"),
    ],
)
def test_a_number_beyond_its_bounds(tmp_path, plain, changed, place, value, reason):
    line = changed({"reason": "", **plain[0]}, place, value)
    assert reason in read_with(tmp_path, json.dumps(line).encode(), plain)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_of_json(tmp_path, plain, changed, value):
    line = json.dumps(changed(plain[0], "params", "HERE")).replace('"HERE"', value)
    problem = read_with(tmp_path, line.encode(), plain)
    assert problem.endswith(f"it holds {value}, which is no number of JSON")


@pytest.mark.parametrize("value", ["1e400", "9" * 4000, "1" + "0" * 30])
def test_a_number_too_large_for_any_field(tmp_path, plain, changed, value):
    line = json.dumps(changed(plain[0], "params", "HERE")).replace('"HERE"', value)
    read_with(tmp_path, line.encode(), plain)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"schema": 3, "kind": "layer", "a": [{"a":'])
def test_a_line_nested_a_hundred_thousand_deep(tmp_path, plain, opening):
    start = time.monotonic()
    read_with(tmp_path, opening * 100_000, plain)
    assert time.monotonic() - start < 5  # what a user waits; usually milliseconds


def test_a_line_that_is_longer_than_any_record(tmp_path, plain, monkeypatch):
    from attnbench.records import lines, reading

    for module in (lines, reading):
        monkeypatch.setattr(module, "LONGEST", 10_000_000)
    problem = read_with(tmp_path, b'{"schema": 3, "reason": "' + b"x" * 25_000_000, plain)
    assert problem.endswith("(a line of more than 10,000,000 bytes)")


def test_no_macs_divide_nothing(tmp_path, plain, changed):
    from attnbench.report.page.page import write_report

    path = tmp_path / "a.jsonl"
    none = changed(changed(plain[0], "macs.products_macs", 0), "workload.attention", "identity")
    path.write_text("".join(json.dumps(line) + "\n" for line in (none, *plain[1:])))
    written = write_report([path], tmp_path / "report")
    assert written.problems == ()
    assert "identity" in (tmp_path / "report" / "layers.csv").read_text()
