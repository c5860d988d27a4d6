"""Operators that try to fool the harness are detected; honest ones pass."""

import threading
import time
from typing import ClassVar

import pytest
import torch
from torch import nn

from attnbench.attention.factory import create_attention
from attnbench.profiling.honesty.check import check_honesty
from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.honesty.fresh import FreshValues
from attnbench.profiling.honesty.streams import check_stream

CPU = torch.device("cpu")


class Works(nn.Module):
    """Does its work; subclasses cheat."""

    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(6, 6)

    def forward(self, x):
        return self.proj(x)


class RemembersTheLastCall(Works):
    """As a timing loop calls it, it is as fast as returning a tensor."""

    last = None

    def forward(self, x):
        if self.last is None:
            self.last = self.proj(x)
        return self.last


class RemembersWithAnError(Works):
    last = None

    def forward(self, x):
        if self.last is None:
            self.last = self.proj(x)
        return self.last + 1e-6 * x


class RemembersByAddress(Works):
    def __init__(self):
        super().__init__()
        self.known = {}

    def forward(self, x):
        return self.known.setdefault((x.data_ptr(), x.shape), self.proj(x).clone())


class SharesItsMemoryWithItsTwin(Works):
    answers: ClassVar[dict] = {}

    def forward(self, x):
        return self.answers.setdefault(x.shape, self.proj(x))


class ChangesItsInput(Works):
    def forward(self, x):
        result = self.proj(x)
        x.zero_()  # all later calls are on zeros
        return result


class ReturnsTooEarly(Works):
    """Leaves the work to a thread that goes on when the call has returned."""

    def forward(self, x):
        result = torch.zeros_like(x)

        def work():
            time.sleep(0.002)
            with torch.no_grad():
                result.copy_(self.proj(x))

        threading.Thread(target=work).start()
        return result


class SkipsTheWorkOnceKnown(Works):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return self.proj(x) if self.calls < 3 else torch.zeros_like(x)


class WrongShape(Works):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return self.proj(x)[: 1 if self.calls > 2 else None]


def judge(kind):
    """What a cell goes through: calls on one input, then the check."""
    torch.manual_seed(0)
    module, twin, x = kind(), kind(), torch.randn(4, 6)
    with torch.no_grad():
        for _ in range(3):
            module(x)
    check_honesty(module, twin, x, ())


CHEATS = {
    RemembersTheLastCall: "two inputs get the same output",
    SharesItsMemoryWithItsTwin: "two inputs get the same output",
    RemembersByAddress: "two inputs get the same output",
    RemembersWithAnError: "stems from an earlier call",
    ChangesItsInput: "changes its input",
    ReturnsTooEarly: "still changes after the call has returned",
    SkipsTheWorkOnceKnown: "is off by",
    WrongShape: "has shape",
}


@pytest.mark.parametrize("kind", CHEATS, ids=lambda kind: kind.__name__)
def test_a_cheat_is_caught_with_its_reason(kind):
    with pytest.raises(DishonestError, match=CHEATS[kind]):
        judge(kind)


class Zero(Works):
    """As layers that start as nothing do; one output for all inputs is no offence then."""

    def __init__(self):
        super().__init__()
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)


class Noisy(nn.Dropout):
    """Random in training only; it is checked in evaluation."""

    def __init__(self):
        super().__init__(0.5)


@pytest.mark.parametrize("kind", [Works, Zero, Noisy, lambda: nn.BatchNorm1d(6)])
def test_honest_modules_pass(kind):
    judge(kind)


@pytest.mark.parametrize("name", ["dense", "window", "sparse", "anchor", "anchor-select"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_mechanism_passes_and_keeps_its_mode(name, dtype):
    module, twin = (create_attention(name, 24, 3).to(dtype) for _ in range(2))
    x = torch.randn(2, 63, 24, dtype=dtype)
    module.train()(x, (7, 9))
    check_honesty(module, twin, x, ((7, 9),))
    assert module.training


def test_nothing_to_compare_is_no_offence():
    empty = nn.Identity()
    check_honesty(empty, nn.Identity(), torch.empty(0, 6), ())


def test_a_fresh_input_differs_from_the_last_and_the_one_before_comes_back():
    x = torch.randn(3, 4, requires_grad=True)
    first = x.detach().clone()
    freshen(x)
    assert (x != first).sum() == 1
    freshen(x)
    assert torch.equal(x, first)


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
