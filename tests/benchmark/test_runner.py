"""Every cell becomes a record, even if it fails."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from attnbench.attention.base import Attention
from attnbench.benchmark.grid import FAMILIES, layer_workloads
from attnbench.benchmark.runner import profile
from attnbench.benchmark.subject import subject_of
from attnbench.records import is_settled
from attnbench.records.trust import trust_in
from attnbench.registry import ATTENTIONS, register_attention
from attnbench.spec import ModelWorkload, Protocol, Workload

QUICK = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.2)
SMALL = {"dim": 24, "num_heads": 3}


@pytest.fixture
def stranger():
    """Registers attentions of a stranger for the time of a test."""
    names = []

    def register(name, forward=lambda self, x: x, macs=lambda self: 0):
        class Strange(Attention):
            def __init__(self, dim, num_heads, **options):
                super().__init__(dim, num_heads, **options)
                self.proj = nn.Linear(dim, dim)

            def forward(self, x, grid):
                return forward(self, x)

            def macs(self, grid, batch=1):
                return macs(self)

        names.append(name)
        register_attention(name, family="linear")(Strange)
        return Workload(attention=name, grid=(4, 5), **SMALL)

    yield register
    for name in names:
        del ATTENTIONS._entries[name]


def test_a_comparison_gives_complete_records_measured_in_turn():
    records = profile(
        layer_workloads(FAMILIES, [(5, 9)], {"num_anchors": [7]}, batch=2, **SMALL), QUICK
    )
    assert [r.workload.attention for r in records] == [
        "dense", "dense", "window", "window", "sparse", "sparse", "anchor", "anchor",
    ]  # fmt: skip
    for record in records:
        assert record.status == "ok"
        assert record.params > 0
        assert record.macs.products_macs > 0
        assert record.memory.peak_net_bytes > 0
        assert record.notes == ()
    assert len({record.latency.rounds_with for record in records}) == 1
    assert len({len(record.latency.samples_s) for record in records}) == 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("mode", ["forward", "backward", "forward+backward", "train"])
def test_modes_and_dtypes(mode, dtype):
    (record,) = profile(
        [Workload(attention="anchor", grid=(5, 9), mode=mode, dtype=dtype, **SMALL)], QUICK
    )
    assert record.status == "ok"
    assert record.latency.rounds_with == ""


def test_training_needs_more_memory_than_a_forward_call():
    forward, train = (
        profile([Workload(attention="dense", grid=(9, 9), mode=mode, **SMALL)], QUICK)[0]
        for mode in ("forward", "train")
    )
    assert train.memory.peak_net_bytes > forward.memory.peak_net_bytes


def test_a_model_is_measured_like_a_layer():
    workload = ModelWorkload(model="pyramid-t", attention="dense", img_size=(32, 32), num_classes=5)
    (record,) = profile([workload], QUICK)
    assert record.kind == "model"
    assert record.status == "ok"
    assert record.macs.training_macs > record.macs.products_macs > 0


def test_the_code_of_a_model_includes_that_of_a_stranger_s_mechanism(stranger):
    name = stranger("inside-a-trunk", lambda self, x: self.proj(x)).attention
    common = {"model": "pyramid-t", "img_size": (32, 32), "num_classes": 5}
    ours = ModelWorkload(attention="dense", **common)
    theirs = ModelWorkload(attention=name, options={"attention": name}, **common)
    assert subject_of(theirs).code != subject_of(ours).code


def test_one_failing_cell_costs_no_other(stranger):
    def explode(self, x):
        raise RuntimeError("no kernel for this\nand a second line")

    good = Workload(attention="dense", grid=(4, 5), **SMALL)
    bad = stranger("explodes", explode)
    no_impl = Workload(attention="anchor", grid=(4, 5), impl="flash", **SMALL)
    first, failed, unsupported = profile([good, bad, no_impl], QUICK)
    assert (first.status, first.latency is not None) == ("ok", True)
    assert (failed.status, failed.reason) == ("failed", "RuntimeError: no kernel for this")
    assert unsupported.status == "unsupported"
    assert "has no impl 'flash'" in unsupported.reason
    assert failed.latency is failed.memory is unsupported.latency is unsupported.macs is None


def test_a_call_that_fails_later_is_a_failure_too(stranger):
    calls = []

    def fails_the_third_time(self, x):
        if x.device.type != "meta":  # where it is counted
            calls.append(x)
        if len(calls) > 2:
            raise RuntimeError("worn out")
        return self.proj(x)

    workload = stranger("wears-out", fails_the_third_time, lambda self: 20 * 24 * 24)
    (record,) = profile([workload], QUICK)
    assert (record.status, record.reason) == ("failed", "RuntimeError: worn out")
    assert record.macs.products_macs == 20 * 24 * 24


def test_a_wrong_closed_form_fails_the_cell_with_every_number(stranger):
    (record,) = profile([stranger("boasts", lambda self, x: self.proj(x), lambda self: 7)], QUICK)
    assert record.status == "failed"
    assert record.reason == ("MACs disagree: closed form 7, fvcore 11,520, torch's counter 11,520")
    assert record.params == 24 * 24 + 24
    assert record.macs is record.latency is None


def test_uncountable_work_fails_the_cell_by_name(stranger):
    work = lambda self, x: self.proj(torch.fft.fft(x).real)  # noqa: E731
    (record,) = profile([stranger("fourier", work)], QUICK)
    assert record.status == "failed"
    assert "no formula for aten::_fft_r2c" in record.reason
    assert record.macs is record.latency is None


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("bfloat16", 2)])
def test_bytes_moved_are_those_of_the_workload_s_dtype(stranger, dtype, size):
    workload = stranger(f"projects-{dtype}", lambda self, x: self.proj(x), lambda self: 11520)
    (record,) = profile([replace(workload, dtype=dtype)], QUICK)
    assert record.macs.training_macs == 3 * 20 * 24 * 24
    assert record.traffic_bytes == size * (20 * 24 + 24 * 24 + 24 + 20 * 24)


def test_a_cell_that_cheats_has_no_speed(stranger):
    answers = {}

    def remembers(self, x):
        if x.device.type == "meta":  # where it is counted
            return self.proj(x)
        return answers.setdefault("last", self.proj(x).detach())

    good = Workload(attention="dense", grid=(4, 5), **SMALL)
    bad = stranger("remembers", remembers, lambda self: 20 * 24 * 24)
    honest, cheat = profile([good, bad], QUICK)
    assert honest.status == "ok"
    assert (cheat.status, cheat.latency, cheat.memory) == ("failed", None, None)
    assert "it answers from memory" in cheat.reason


def test_one_that_fails_while_it_is_timed_leaves_the_others_in_their_round(stranger):
    calls = []

    def wears_out(self, x):
        if x.device.type != "meta":
            calls.append(x)
        if len(calls) > 4:
            raise RuntimeError("worn out")
        return self.proj(x)

    dense, sparse = (Workload(attention=name, grid=(4, 5), **SMALL) for name in ("dense", "sparse"))
    bad = stranger("wears-out-in-time", wears_out, lambda self: 20 * 24 * 24)
    first, failed, last = profile([dense, bad, sparse], QUICK)
    assert (failed.status, failed.reason) == ("failed", "RuntimeError: worn out")
    assert first.latency.rounds_with == last.latency.rounds_with != ""
    assert len(first.latency.samples_s) == len(last.latency.samples_s)


def test_an_attention_that_cannot_say_whether_it_runs_does_not(stranger):
    workload = stranger("speechless")

    def explode(workload):
        raise KeyError("dim")

    ATTENTIONS.load("speechless").unsupported = explode
    (record,) = profile([workload], QUICK)
    assert record.status == "unsupported"
    assert "unsupported raised KeyError" in record.reason


@pytest.mark.parametrize(("impl", "kernel"), [("sdpa-flash", "flash (cpu)"), ("sdpa-math", "math")])
def test_a_kernel_that_is_asked_for_by_name_is_the_one_recorded(impl, kernel):
    (record,) = profile([Workload(attention="dense", grid=(5, 9), impl=impl, **SMALL)], QUICK)
    assert (record.status, record.backend) == ("ok", kernel)
    assert "other kernel" not in [doubt.name for doubt in trust_in(record).doubts]


def test_an_impl_that_cannot_run_here_is_unsupported_with_its_reason():
    common = {"attention": "dense", "grid": (4, 5), **SMALL}
    workloads = [
        Workload(impl="xformers", **common),
        Workload(impl="flex", mode="forward+backward", **common),
    ]
    by_device, by_mode = profile(workloads, QUICK)
    assert (by_device.status, by_device.reason) == ("unsupported", "xformers needs CUDA, got cpu")
    assert by_mode.status == "unsupported"
    assert "no backward pass on the CPU" in by_mode.reason


def test_what_stands_behind_a_latency_is_recorded():
    plain, fused = profile(
        [Workload(attention="dense", grid=(5, 9), impl=impl, **SMALL)
         for impl in ("reference", "sdpa")], QUICK,
    )  # fmt: skip
    assert (plain.backend, fused.backend) == ("", "flash (cpu)")
    for record in (plain, fused):
        assert record.first_call_s > 0
        assert record.latency.cache == "warm"
        assert 0 < record.least_bytes < record.traffic_bytes
        assert record.operators > 5


def test_asking_for_a_terabyte_is_out_of_memory(stranger):
    (record,) = profile(
        [stranger("greedy", lambda self, x: torch.empty(2**38) + x[0, 0, 0])], QUICK
    )
    assert record.status in ("out_of_memory", "failed")
    assert record.reason


def test_failed_cells_are_tried_again(stranger):
    def explode(self, x):
        raise RuntimeError("once")

    (record,) = profile([stranger("explodes-again", explode)], QUICK)
    assert not is_settled(record)
