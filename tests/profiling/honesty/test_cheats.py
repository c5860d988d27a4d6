"""Layers that try to fool the harness are refused with the reason."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from attnbench.profiling.honesty.check import check_honesty
from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.honesty.output import Expected
from attnbench.profiling.honesty.streams import check_stream
from attnbench.profiling.honesty.verifier import Verifier
from attnbench.profiling.latency.modes import call_of

from .cheats import CHEATS, DIM, ForgetsItsGradient, LeavesAProcess, Works

CPU = torch.device("cpu")
SHAPE = (2, 4, DIM)


def judge(module, mode="forward", rounds=4):
    """What a cell goes through: a first call, some rounds, the end."""
    pristine, x = deepcopy(module), torch.randn(SHAPE)
    call = call_of(mode, module, x)
    verifier = Verifier(call, pristine, Expected(device=CPU, shape=SHAPE, dtype=torch.float32))
    verifier.run_verified()
    verifier.begin(rounds)
    for verifier.round in range(1, rounds):
        verifier.prepare()
        call()
        verifier.inspect()
    verifier.finish()
    return verifier.notes


IN_THIS_PROCESS = [kind for kind in CHEATS if kind is not LeavesAProcess]


@pytest.mark.parametrize("kind", IN_THIS_PROCESS, ids=lambda kind: kind.__name__)
def test_a_cheat_is_refused_with_its_reason(kind):
    with pytest.raises(DishonestError, match=kind.reason):
        judge(kind())


def test_a_process_that_is_left_running_is_ended():
    module = LeavesAProcess()
    with pytest.raises(DishonestError, match=module.reason):
        judge(module)
    assert [process.wait(10) for process in module.processes]


@pytest.mark.parametrize("mode", ["backward", "forward+backward", "train"])
def test_an_honest_layer_passes(mode):
    assert judge(Works(), mode) == ()


@pytest.mark.parametrize("mode", ["forward+backward", "train"])
def test_gradients_are_verified_too(mode):
    with pytest.raises(DishonestError, match="gradient of input is missing"):
        judge(ForgetsItsGradient(), mode)


class StaleGradient(torch.autograd.Function):
    """Right forward; backward answers from the memory of its module."""

    @staticmethod
    def forward(ctx, x, memory):
        ctx.memory = memory
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return ctx.memory.setdefault("gradient", gradient * 2), None


class Stale(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = {}

    def forward(self, x):
        return StaleGradient.apply(x, self.memory)


def test_a_backward_pass_that_answers_from_memory_is_refused():
    with pytest.raises(DishonestError, match="the gradient of input of a new input is off by"):
        judge(Stale(), "backward")


def test_the_cheat_that_fools_every_look_but_those_in_the_loop():
    """It computes when it is called first, and after a pause: when it may be looked at."""

    class Watchful(Works):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return self.proj(x) if self.calls < 2 else torch.ones_like(x) * self.calls

    with pytest.raises(DishonestError, match="is off by"):
        judge(Watchful(), rounds=6)


def test_a_whole_model_may_return_a_nest_of_tensors():
    class Model(Works):
        def forward(self, x):
            return {"logits": self.proj(x).mean(1), "maps": [x.sum(-1), x], "size": 3}

    module = Model()
    assert check_honesty(module, deepcopy(module), torch.randn(SHAPE)) == ()


def test_nothing_to_compare_is_no_offence():
    empty = nn.Identity()
    check_honesty(empty, nn.Identity(), torch.empty(0, 6), ())


def test_the_mode_of_the_module_is_kept():
    module = Works().train()
    check_honesty(module, deepcopy(module), torch.randn(SHAPE))
    assert module.training


def test_without_memory_for_a_copy_the_rest_is_verified(monkeypatch):
    def greedy(twin):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr("attnbench.profiling.honesty.twin.Twin.compute", greedy)
    assert any("there is no memory for it" in note for note in judge(Works()))


def test_on_the_cpu_there_are_no_streams():
    check_stream(lambda: pytest.fail("called"), CPU)


@pytest.mark.gpu
def test_work_on_another_stream_is_caught():
    x, other = torch.randn(8192, 8192, device="cuda"), torch.cuda.Stream()

    def escapes():
        with torch.cuda.stream(other):
            for _ in range(5):
                x @ x

    def waits():
        escapes()
        torch.cuda.current_stream().wait_stream(other)

    check_stream(waits, torch.device("cuda"))
    with pytest.raises(DishonestError, match="another stream"):
        check_stream(escapes, torch.device("cuda"))
