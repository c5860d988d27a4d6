"""The parts of `make bench`, from scripted verdicts and with tiny protocols."""

import importlib
import json
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from record_builders import memoryless

from attnbench.analysis.compare.verdict import compare_cell
from attnbench.doctor.comparisons import HALF_WAY
from attnbench.doctor.known_times import spin
from attnbench.doctor.timed_operator import LAYER, TimedOperator, choose_operator
from attnbench.records import Environment, LayerRecord, store
from attnbench.records.latency import Latency
from attnbench.spec import Protocol

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
CPU = Environment(
    device="cpu", device_name="Test CPU", threads=1, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
SHORT = Protocol(warmup_s=0.0, min_samples=6, precision=1.0, time_budget_s=0.05)
MARGIN = {"same": (0.99, 1.01), "slower": (1.04, 1.06), "cannot tell": (1.01, 1.04),
          "faster": (0.9, 0.92)}  # fmt: skip


@pytest.fixture
def script(monkeypatch):
    """Imports a file of scripts/ by its name."""
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module


@pytest.fixture
def tiny(script):
    rows = script("bench_rows")
    return rows.Effort(
        turns=2, ours=SHORT, theirs_s=(0.01, 0.02), comparisons=2, comparison=SHORT, run=SHORT,
        nothing=SHORT, millisecond=SHORT, workloads=rows.sixty_cells()[:2], cell=SHORT, series=20,
    )  # fmt: skip


def change(verdict):
    low, high = MARGIN[verdict]
    before, after = (
        LayerRecord(
            workload=LAYER, environment=CPU, created="",
            latency=Latency(samples_s=tuple(samples), stopped_by="precision", rounds_with="r",
                            span_s=1.0),
        )
        for samples in ([1.0] * 6, memoryless(low + (high - low) * i / 5 for i in range(6)))
    )  # fmt: skip
    found = compare_cell(before, after, HALF_WAY)
    assert found.verdict == verdict
    return found


def test_the_sweep_has_sixty_different_cells(script):
    cells = script("bench_rows").sixty_cells()
    assert len(cells) == 60
    assert len({json.dumps(asdict(cell), sort_keys=True) for cell in cells}) == 60


@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "met"), (1.1, "missed"), (0.9, "missed")])
def test_agreement_is_the_ratio_of_the_medians(script, tiny, monkeypatch, factor, outcome):
    known = script("bench_known")

    def ours(calls, protocol, timer, *, rounds_with):
        return {"": Latency(samples_s=(1e-3, 2e-3, 3e-3), stopped_by="precision")}

    monkeypatch.setattr(known, "measure_latencies", ours)
    monkeypatch.setattr(known, "_their_times", lambda *_: [factor * s for s in (1e-3, 2e-3, 4e-3)])
    (row,) = known.agreement({"a": lambda: None}, torch.device("cpu"), tiny).rows
    assert row.numbers["ratio"] == pytest.approx(1 / factor)
    assert row.outcome == outcome


def test_torch_s_timer_can_be_asked(script):
    times = script("bench_known")._their_times(partial(spin, 1e-4), 0.01, 0.05)
    assert min(times) >= 1e-4


def test_every_operator_runs(script):
    calls = script("bench_known").operators(torch.device("cpu"))
    assert len(calls) == 5
    for call in calls.values():
        call()


SHARES = {  # verdicts on what is the same, on what is slower, and the outcomes of the three aims
    "right": (["same"] * 20, ["slower"] * 20, ["met", "met", "met"]),
    "one exception": (
        ["same"] * 19 + ["cannot tell"], ["slower"] * 19 + ["cannot tell"], ["met", "met", "met"],
    ),
    "a difference between equals": (
        ["same"] * 18 + ["slower", "faster"], ["slower"] * 20, ["missed", "met", "met"],
    ),
    "a slow-down that was not seen": (
        ["same"] * 20, ["slower"] * 17 + ["same", "same", "faster"], ["met", "missed", "missed"],
    ),
    "a machine that cannot": (
        ["cannot tell"] * 20, ["cannot tell"] * 20, ["missed", "met", "met"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SHARES)
def test_shares_of_right_verdicts(script, tiny, monkeypatch, case):
    known, (same, slowed, outcomes) = script("bench_known"), SHARES[case]
    steady = LayerRecord(
        workload=LAYER, environment=CPU, created="",
        latency=Latency(samples_s=(1e-3,) * 6, stopped_by="precision"),
    )  # fmt: skip
    answers = {"same": iter(same), "slowed": iter(slowed)}
    monkeypatch.setattr(known, "compare_same", lambda *_: change(next(answers["same"])))
    monkeypatch.setattr(known, "compare_slowed", lambda *_: change(next(answers["slowed"])))
    monkeypatch.setattr(TimedOperator, "measure_alone", lambda self, protocol: steady)
    section = known.comparisons(choose_operator(torch.device("cpu")), replace(tiny, comparisons=20))
    assert [row.outcome.partition(":")[0] for row in section.rows[:3]] == outcomes
    assert sum(section.rows[0].numbers.values()) == 20


LOUD = {  # medians beside busy programs where 1.0 is quiet, and the outcome; five samples are C
    "close": ([1.04] * 18 + [1.2] * 2, 40, "met"),
    "off": ([0.96] * 17 + [1.2] * 3, 40, "missed"),
    "off, but graded C": ([1.2] * 20, 5, "met"),
}


@pytest.mark.parametrize("case", LOUD)
def test_medians_beside_busy_programs_are_close_or_graded_C(script, case):
    medians, samples, outcome = LOUD[case]

    def record(seconds, count):
        latency = Latency(samples_s=(seconds,) * count, stopped_by="precision", span_s=1.0)
        return LayerRecord(workload=LAYER, environment=CPU, created="", latency=latency)

    pairs = [(record(1.0, 40), record(seconds, samples)) for seconds in medians]
    row = script("bench_load").close_row(pairs)
    assert row.outcome == outcome
    assert row.aim == "at least 18 close or graded C"


def test_overhead_is_what_is_in_no_sample(script):
    outside_s, inside_s = script("bench_cost").sampling_overhead(partial(spin, 1e-3), SHORT)
    assert outside_s > 0
    assert inside_s >= 1e-3


def test_a_sweep_costs_what_was_not_spent_on_warming_up_and_sampling(script):
    latency = Latency(samples_s=(1.0, 2.0), stopped_by="precision", warmup_s=0.5)
    done = LayerRecord(workload=LAYER, environment=CPU, created="", latency=latency)
    failed = replace(done, latency=None, status="failed", reason="x")
    section = script("bench_cost")._sweep_section([done, done], 3.0, 7.2, SHORT)
    start, speed, beyond = section.rows
    assert start.numbers == {"start_s": 3.0}
    assert speed.numbers["cells_per_minute"] == pytest.approx(60 * 2 / 7.2)
    assert beyond.numbers["beyond_s"] == pytest.approx(0.1)
    assert beyond.outcome == "met"
    section = script("bench_cost")._sweep_section([done, failed], 3.0, 3.6, SHORT)
    assert section.rows[2].outcome == "missed"  # a cell that failed cost nothing, and is no gain


@pytest.mark.slow
def test_the_whole_run_is_markdown_and_json(script, tiny):
    bench, steps = script("bench"), []
    facts, sections = bench.bench(torch.device("cpu"), tiny, steps.append)
    assert len(sections) == len(steps) == 7
    text = bench.markdown(facts, sections)
    assert text.count("\n## ") == 7
    assert text.count("\n| what | measured | aim | outcome |") == 7
    assert "2 cells (2 ok)" in text
    json.dumps([asdict(section) for section in sections], allow_nan=False)


@pytest.mark.parametrize("kind", ["plain", "tied", "ladder", "poor", "scattered"])
def test_a_large_file_holds_different_cells_that_are_read(script, tmp_path, kind):
    large = script("large_files")
    large.write(tmp_path / "large.jsonl", 500, kind)
    contents = store.read(tmp_path / "large.jsonl")
    assert (len(contents.records), contents.problems) == (500, [])
    assert len({record.key for record in contents.records}) == 500
    assert {len(record.latency.samples_s) for record in contents.records} == {large.SAMPLES}
    large.write(tmp_path / "again.jsonl", 500, kind)
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "large.jsonl").read_bytes()


def test_large_files_are_read_and_given_to_the_commands(script, monkeypatch):
    files = script("bench_files")
    asked = []
    monkeypatch.setattr(
        files, "_command", lambda *given: asked.append(given) or files.Cost(1.0, 2**20)
    )
    section = files.files(30)
    assert [given[0] for given in asked] == ["report", "report", "compare", "predict"]
    assert [row.aim for row in section.rows] == [
        "", "at most 2.00 s", "at most 20.0 s and 1.00 GiB", "at most 20.0 s and 1.00 GiB",
        "at most 15.0 s and 1.00 GiB", "at most 15.0 s and 1.00 GiB", "at most 400 ms",
        "at most 600 ms",
    ]  # fmt: skip
    assert {row.outcome for row in section.rows} <= {"", "met", "missed"}
    assert all(value > 0 for row in section.rows for value in row.numbers.values())


def test_a_step_of_a_detector_and_its_parts(script, monkeypatch):
    dense = script("bench_dense")
    for name, value in (("SIZE", 64), ("BATCH", 2), ("CLASSES", 3), ("PICTURE", (30, 40))):
        monkeypatch.setattr(dense, name, value)
    before = torch.get_num_threads()
    monkeypatch.setitem(sys.modules, "libreyolo", None)  # as if it were not installed
    try:
        step, loss, port, *waiting = dense.dense(turns=2, epoch=6).rows
    finally:
        torch.set_num_threads(before)
    assert step.numbers["step_s"] > 0
    assert loss.numbers["loss_share"] < 1
    assert "pip install libreyolo" in port.measured
    assert [0 <= row.numbers["waiting_share"] < 1 for row in waiting] == [True, True]
