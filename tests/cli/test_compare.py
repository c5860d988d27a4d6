"""`attnbench compare` end to end: outputs and exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from record_builders import memoryless

from attnbench.records import Environment, LayerRecord, store
from attnbench.records.latency import Latency
from attnbench.spec import Workload

MACHINE = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


def layer(attention, seconds, environment=MACHINE):
    samples = memoryless(seconds * (1 + 0.001 * i) for i in range(8))
    return LayerRecord(
        workload=Workload(attention=attention, grid=(4, 4)),
        environment=environment,
        created="2026-01-01T00:00:00+00:00",
        latency=Latency(samples_s=samples, stopped_by="precision", span_s=1.0),
    )


@pytest.fixture
def results(tmp_path):
    """A result, one where anchor is twice as slow, one of another machine, one of other cells."""
    other = replace(MACHINE, threads=1)
    sides = {
        "a.jsonl": [layer("dense", 2e-3), layer("anchor", 1e-3)],
        "folder/b.jsonl": [layer("dense", 2e-3), layer("anchor", 2e-3)],
        "unlike.jsonl": [layer("dense", 2e-3, other), layer("anchor", 1e-3, other)],
        "window.jsonl": [layer("window", 1e-3)],
    }
    for name, records in sides.items():
        for record in records:
            store.append(tmp_path / name, record)
    (tmp_path / "empty").mkdir()


@pytest.mark.usefixtures("results")
def test_the_table_has_the_worst_first_and_a_summary(attnbench):
    code, out, err = attnbench("compare", "a.jsonl", "folder")
    assert (code, err) == (0, "")
    assert "Test CPU, 2 threads, torch 2.15.0" in out
    assert "2.00× [1.99 – 2.01]" in out
    assert out.index("anchor (reference)") < out.index("dense (reference)")
    assert out.splitlines()[-1] == "2 cells compared: 1 slower, 1 same"


@pytest.mark.usefixtures("results")
def test_json_and_markdown_go_to_standard_output(attnbench):
    code, out, err = attnbench("compare", "a.jsonl", "folder", "--json")
    assert (code, err) == (0, "")
    assert [cell["verdict"] for cell in json.loads(out)["cells"]] == ["slower", "same"]
    code, out, err = attnbench("compare", "a.jsonl", "folder", "--markdown")
    assert (code, err) == (0, "")
    assert "| anchor (reference) | 1.00 ms | 2.01 ms | 2.00× [1.99 – 2.01] | slower |" in out


FAIL_ON = {
    "slower": ("a.jsonl", "folder", ["slower"], 1),
    "one of several": ("a.jsonl", "folder", ["broken,slower"], 1),
    "repeated": ("a.jsonl", "folder", ["broken", "slower"], 1),
    "faster is no failure": ("folder", "a.jsonl", ["slower,broken,missing"], 0),
    "nothing measured but time": ("a.jsonl", "folder", ["more,changed,cannot-tell"], 0),
}


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("case", FAIL_ON)
def test_fail_on_sets_the_exit_code(attnbench, case):
    before, after, names, expected = FAIL_ON[case]
    flags = [part for name in names for part in ("--fail-on", name)]
    code, out, err = attnbench("compare", before, after, *flags)
    assert code == expected
    assert "2 cells compared" in out
    assert ("slower" in err) == (expected == 1)


def test_fail_on_names_what_the_comparison_counts(attnbench, tmp_path):
    few = replace(
        layer("dense", 1.0), latency=Latency(samples_s=(1.0,), stopped_by="precision", span_s=1.0)
    )
    for name, records in {"a.jsonl": [few, layer("anchor", 1.0)], "b.jsonl": [few]}.items():
        for record in records:
            store.append(tmp_path / name, record)
    for name, expected in {"cannot-tell": 1, "missing": 1, "slower": 0, "changed": 0}.items():
        assert attnbench("compare", "a.jsonl", "b.jsonl", "--fail-on", name)[0] == expected


@pytest.mark.usefixtures("results")
def test_thresholds_can_be_given(attnbench):
    _, out, _ = attnbench("compare", "a.jsonl", "folder", "--relative", 1.5)
    assert out.splitlines()[-1] == "2 cells compared: 2 same"
    _, out, _ = attnbench("compare", "a.jsonl", "folder", "--absolute", 0.01)
    assert "the change is within 10.0 ms" in out


@pytest.mark.usefixtures("results")
def test_unlike_environments_can_be_compared_when_asked_for(attnbench):
    code, out, _ = attnbench("compare", "a.jsonl", "unlike.jsonl", "--across-environments")
    assert code == 0
    assert "before on Test CPU, 2 threads" in out
    assert out.splitlines()[-1] == "2 cells compared: 2 same"


@pytest.mark.usefixtures("results")
def test_a_torn_line_is_said_and_the_rest_compared(attnbench, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(file.read_bytes()[:-50])
    code, out, err = attnbench("compare", "a.jsonl", "folder", "--json")
    assert (code, json.loads(out)["counts"]["new"]) == (0, 1)
    assert "a.jsonl:2: skipped" in err


BAD = {
    "missing": (["a.jsonl", "nowhere.jsonl"], "cannot read nowhere.jsonl"),
    "empty": (["a.jsonl", "empty"], "empty holds no layers or models"),
    "nothing in common": (["a.jsonl", "window.jsonl"], "holds 1 cell (the first: window"),
    "environments": (["a.jsonl", "unlike.jsonl"], "threads is 2 in a.jsonl, 1 in unlike.jsonl"),
    "relative": (["a.jsonl", "folder", "--relative", "-0.1"], "--relative: expected a number"),
    "absolute": (["a.jsonl", "folder", "--absolute", "-1"], "--absolute: expected a number from 0"),
    "fail on": (["a.jsonl", "folder", "--fail-on", "slowr"], "--fail-on takes slower, broken"),
    "fail on nothing": (["a.jsonl", "folder", "--fail-on", ","], "--fail-on takes slower, broken"),
    "two outputs": (["a.jsonl", "folder", "--json", "--markdown"], "exclude each other"),
}  # fmt: skip


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_2(attnbench, case):
    arguments, expected = BAD[case]
    code, out, err = attnbench("compare", *arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.strip().count("\n") == 0


def test_a_long_table_says_how_many_cells_it_leaves_out(attnbench, results, monkeypatch):
    monkeypatch.setattr("attnbench.cli.compare.MOST_ROWS", 1)
    _, whole, _ = attnbench("compare", "a.jsonl", "folder/b.jsonl", "--markdown")
    _, result, _ = attnbench("compare", "a.jsonl", "folder/b.jsonl")
    result = " ".join(result.split())
    assert "the first 1 of 2 cells, the worst first; --json prints all cells" in result
    assert "2 cells compared" in result
    assert "dense" in whole
    assert "dense" not in result.split("the first 1 of 2")[0].split("verdict")[1]
