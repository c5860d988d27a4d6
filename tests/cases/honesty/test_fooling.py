"""Plug-ins that fool an instrument: their cells fail or say so, and no other cell changes."""

import time
from pathlib import Path

import pytest
import torch

from attnbench.ambient.watch import Ambient
from attnbench.benchmark.runner import profile
from attnbench.records.trust import trust_in
from attnbench.registry import ATTENTIONS, changes_by_import, load_plugin
from attnbench.spec import Protocol, Workload

HERE = Path(__file__).parent
QUICK = Protocol(warmup_s=0, min_samples=4, precision=10, time_budget_s=0.1)
FAILS = {
    "deferred": "the output is no plain tensor but a Later",
    "notnumbers": "100 % of the output is not finite",
    "threaded": "threads left running: Thread",
    "onetoken": "expected (1, 20, 24) (batch, tokens, dim), got (1, 1, 24)",
    "halfwidth": "expected (1, 20, 24) (batch, tokens, dim), got (1, 20, 12)",
    "settings": "changed torch.get_num_threads() from 1 to 2",
}


@pytest.fixture(scope="module", autouse=True)
def plugins():
    before = set(ATTENTIONS.names())
    for name in ("fooling.py", "slow_clock.py"):
        load_plugin(str(HERE / name))
    yield
    for name in set(ATTENTIONS.names()) - before:
        del ATTENTIONS._entries[name]


def measure(*names, **options):
    sizes = {"grid": (4, 5), "dim": 24, "num_heads": 3}
    return profile([Workload(attention=name, **{**sizes, **options}) for name in names], QUICK)


def test_each_costs_its_own_cell_and_the_honest_one_beside_it_is_measured():
    ambient = Ambient()
    honest, *others = measure("fooling-projection", *(f"fooling-{name}" for name in FAILS))
    assert (honest.status, honest.notes) == ("ok", ())
    for record, reason in zip(others, FAILS.values(), strict=True):
        assert (record.status, record.latency) == ("failed", None)
        assert reason in record.reason
    assert ambient.put_back() == []


def test_every_setting_that_was_changed_is_named():
    (record,) = measure("fooling-settings")
    for name in ("get_num_threads", "denormals", "float32_matmul_precision", "deterministic"):
        assert name in record.reason
    assert "put back. Set it around the work" in record.reason


def test_one_output_for_every_input_is_noted():
    (record,) = measure("fooling-zeros")
    assert (record.status, record.notes) == ("ok", ("one output for every input: it is 0",))


def test_the_share_that_is_not_finite_is_noted():
    (record,) = measure("fooling-overflowing", dtype="float16")
    (note,) = record.notes
    assert note.endswith(" % of the output is not finite")
    assert note != "0.0 % of the output is not finite"


def test_denormal_numbers_are_a_doubt_about_the_time():
    normal, tiny = measure("fooling-projection", "fooling-tiny")
    assert normal.denormal_share == 0
    assert tiny.denormal_share > 0.3
    doubts = {doubt.name: doubt for doubt in trust_in(tiny).doubts}
    assert doubts["denormal numbers"].grade == "C"
    assert "denormal numbers" not in [doubt.name for doubt in trust_in(normal).doubts]


def test_a_patched_clock_is_named_put_back_and_costs_the_cells_of_its_plug_in():
    patched, honest = measure("slow-clock", "fooling-projection")
    assert (patched.status, patched.latency) == ("failed", None)
    for name in ("perf_counter", "monotonic", "process_time", "time"):
        assert f"replaced time.{name}" in patched.reason
    assert "plug-in slow_clock.py" in patched.reason
    assert honest.status == "ok"
    assert time.perf_counter() - time.clock_gettime(time.CLOCK_MONOTONIC) < 1
    assert torch.full((1,), 1e-39).mul(1).item() > 0
    assert changes_by_import("fooling-projection") == ""
