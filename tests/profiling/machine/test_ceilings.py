"""The timed operators do the work that their records state; the clock is scripted."""

import pytest
import torch

from attnbench.profiling.machine import ceilings
from attnbench.profiling.machine.ceilings import measure_ceilings, takes_too_long, trials
from attnbench.records.latency import Latency

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(ceilings, "MATMUL_SIDES", {"cpu": (4, 8)})
    monkeypatch.setattr(ceilings, "COPY_BYTES", (64, 256))


@pytest.fixture
def measure(monkeypatch):
    """Measures with a clock by which each call takes the given seconds; returns the ceilings."""

    def run(seconds=1e-3, **more):
        def scripted(calls, protocol, timer, *, rounds_with):
            for call in calls.values():
                call()
            latency = Latency(samples_s=(seconds,) * 6, stopped_by="precision")
            return dict.fromkeys(calls, latency)

        monkeypatch.setattr(ceilings, "measure_latencies", scripted)
        return measure_ceilings("float32", CPU, None, **more)

    return run


def test_the_rates_are_what_was_done_by_the_time_it_took(measure):
    found = measure(seconds=1e-3)
    assert [(c.operation, c.size) for c in found] == [
        ("matmul", 4), ("matmul", 8), ("copy", 64), ("copy", 256), ("launch", 100),
    ]  # fmt: skip
    assert [c.macs_per_s for c in found[:2]] == [
        pytest.approx(4**3 * 1e3),
        pytest.approx(8**3 * 1e3),
    ]
    assert found[3].bytes_per_s == pytest.approx(2 * 256 * 1e3)
    assert found[4].operator_s == pytest.approx(1e-5)


def test_each_is_told_as_soon_as_it_is_known(measure):
    told = []
    assert measure(on_ceiling=told.append) == told


def test_a_product_that_would_take_too_long_is_left_out(measure):
    # Eight times the multiply-accumulates of the first: 0.8 s, where 0.5 s are allowed.
    assert [c.size for c in measure(seconds=0.1) if c.operation == "matmul"] == [4]
    assert [c.size for c in measure(seconds=0.01) if c.operation == "matmul"] == [4, 8]


def test_the_first_product_and_whatever_is_no_product_are_never_left_out(measure):
    slow = measure(seconds=1e9)
    assert not any(takes_too_long(t, []) for t in trials("float32", CPU))
    assert [c.operation for c in slow] == ["matmul", "copy", "copy", "launch"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_tensors_have_the_dtype_and_the_bytes_that_are_said(dtype, monkeypatch):
    seen = []
    monkeypatch.setattr(ceilings, "_matmul", lambda a, b: seen.append((a, b)))
    monkeypatch.setattr(ceilings, "_copy", lambda source: seen.append((source,)))
    for trial in trials(dtype, CPU):
        if trial.operation == "launch":
            continue
        trial.build()
        assert {tensor.dtype for tensor in seen[-1]} == {getattr(torch, dtype)}
        one = seen[-1][0].nbytes
        assert trial.moved_bytes == (3 * one if trial.operation == "matmul" else 2 * one)


def test_what_is_multiplied_is_neither_zero_nor_denormal(monkeypatch):
    seen = []
    monkeypatch.setattr(ceilings, "_matmul", lambda a, b: seen.extend((a, b)))
    for trial in trials("float16", CPU):
        if trial.operation == "matmul":
            trial.build()
    tiny = torch.finfo(torch.float16).tiny
    assert all((tensor.abs() >= tiny).float().mean() > 0.9 for tensor in seen)


@pytest.fixture
def target(monkeypatch):
    """The tensor that a call writes to."""
    tensor = torch.full((4, 4), float("nan"))
    monkeypatch.setattr(torch, "empty_like", lambda like: tensor)
    return tensor


def test_a_product_is_the_product_of_both(target):
    left, right = torch.randn(4, 4), torch.randn(4, 4)
    ceilings._matmul(left, right)()
    torch.testing.assert_close(target, left @ right)


def test_a_copy_is_the_whole_source(target):
    source = torch.randn(4, 4)
    ceilings._copy(source)()
    assert torch.equal(target, source)


def test_a_run_of_launches_is_as_many_operators_as_its_size_says(monkeypatch):
    monkeypatch.setattr(ceilings, "LAUNCHES", 6)
    call = ceilings._launch(torch.ones(8, 4), torch.eye(4))
    call()
    with torch.profiler.profile() as seen, torch.inference_mode():
        call.__wrapped__()
    names = [event.name for event in seen.events()]
    (trial,) = (trial for trial in trials("float32", CPU) if trial.operation == "launch")
    assert names.count("aten::linear") == names.count("aten::add") == 3
    assert trial.size == 6
    assert trial.macs == 3 * ceilings.SMALL[0] * ceilings.SMALL[1] ** 2


def test_what_the_device_cannot_do_is_refused_before_it_is_timed(measure, monkeypatch):
    def refuse(left, right):
        def call():
            raise RuntimeError("not implemented for 'Half'")

        return call

    monkeypatch.setattr(ceilings, "_matmul", refuse)
    told = []
    with pytest.raises(RuntimeError, match="not implemented for 'Half'"):
        measure(on_ceiling=told.append)
    assert told == []


@pytest.mark.gpu
def test_a_gpu_multiplies_faster_than_it_launches(monkeypatch):
    from attnbench.profiling.latency.timer import timer_for
    from attnbench.spec import Protocol

    monkeypatch.setattr(ceilings, "MATMUL_SIDES", {"cuda": (1024,)})
    device = torch.device("cuda")
    quick = Protocol(warmup_s=0.05, min_samples=6, time_budget_s=0.1)
    found = measure_ceilings("float32", device, timer_for(device), protocol=quick)
    assert {c.environment.device for c in found} == {"cuda"}
    assert found[0].macs_per_s > 1 / found[-1].operator_s
