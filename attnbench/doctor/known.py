"""Checks of the harness against answers that are known beforehand: MACs, memory, honesty.

Each returns a finding with what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.doctor.selftest import Stand
from attnbench.profiling.counting.macs import CountError, count_macs
from attnbench.profiling.honesty import DishonestError, check_honesty
from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.records import Finding
from attnbench.units import format_bytes

KIB = 2**10


def finding(name: str, passed: bool, text: str) -> Finding:
    """A check that could be made."""
    return Finding(name=name, outcome="passed" if passed else "failed", text=text)


class _Product(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.function(*tensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A module whose multiply-accumulates anybody can work out."""

    name: str
    build: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    macs: int


KNOWN_MACS = (
    _Known(
        name="linear",  # images × tokens × wide in × wide out
        build=partial(nn.Linear, 64, 48),
        shapes=((5, 7, 64),),
        macs=5 * 7 * 64 * 48,
    ),
    _Known(
        name="convolution",  # images × output pixels × channels out × channels in × kernel
        build=partial(nn.Conv2d, 8, 16, kernel_size=3, stride=2, padding=1),
        shapes=((3, 8, 10, 12),),
        macs=3 * (5 * 6) * 16 * 8 * (3 * 3),
    ),
    _Known(
        name="fused attention",  # two products × images × heads × queries × keys × wide
        build=partial(_Product, F.scaled_dot_product_attention),
        shapes=((2, 3, 7, 16), (2, 3, 11, 16), (2, 3, 11, 16)),
        macs=2 * 2 * 3 * 7 * 11 * 16,
    ),
    _Known(
        name="batched product",
        build=partial(_Product, torch.matmul),
        shapes=((4, 3, 5, 6), (4, 3, 6, 7)),
        macs=4 * 3 * 5 * 6 * 7,
    ),
)


def check_macs() -> Finding:
    """Whether operators are counted as their closed forms say, batch included."""
    wrong = [text for text in map(_wrong_count, KNOWN_MACS) if text]
    names = ", ".join(known.name for known in KNOWN_MACS)
    return finding(
        "known MACs", not wrong, "; ".join(wrong) or f"as the closed forms say, exactly: {names}"
    )


def _wrong_count(known: _Known) -> str:
    """What came instead of the closed form, or ""."""
    with torch.device("meta"):
        module, inputs = known.build(), [torch.empty(shape) for shape in known.shapes]
    try:
        count_macs(module, inputs, closed_form=known.macs)
    except CountError as error:
        return f"{known.name}: {error}"
    return ""


def known_allocations(device: torch.device) -> Mapping[str, tuple[Call, int]]:
    """Calls with the most bytes that they hold at once."""

    def buffer(kib: int) -> Tensor:
        return torch.empty(kib * KIB, dtype=torch.int8, device=device)

    def at_once() -> Any:
        first, second = buffer(300), buffer(200)
        del first
        return second, buffer(100)

    def one_after_the_other() -> None:
        for _ in range(3):
            buffer(700)

    return {
        "two at once, a third when one was freed": (at_once, 500 * KIB),
        "allocated and freed three times": (one_after_the_other, 700 * KIB),
        "nothing": (lambda: None, 0),
    }


def check_memory(stand: Stand) -> Finding:
    """Whether the peak of known allocations is found, freed ones included."""
    calls = known_allocations(stand.device)
    wrong = []
    for name, (call, expected) in calls.items():
        call()
        came = measure_memory(call, stand.device).peak_net_bytes
        if came != expected:
            wrong.append(f"{name}: expected {expected:,} bytes, came {came:,}")
    peaks = ", ".join(format_bytes(expected) for _, expected in calls.values())
    return finding(
        "known memory", not wrong, "; ".join(wrong) or f"peaks found to the byte: {peaks}"
    )


class _Forgetful(nn.Module):
    """A linear layer that returns what it has computed the last time, which looks like speed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        answer, self.last = self.last, self.layer(x)
        return self.last if answer is None else answer


def check_refusal(stand: Stand) -> Finding:
    """Whether an operator that does not answer what it is asked is refused, and no other."""
    refusal = _refusal(_Forgetful(), stand.device)
    wronged = _refusal(nn.Linear(8, 8), stand.device)
    texts = [
        f"an operator that returns its last answer was {_refused(refusal)}",
        f"an honest one was {_refused(wronged)}",
    ]
    return finding("dishonest operator", bool(refusal) and not wronged, "; ".join(texts))


def _refusal(module: nn.Module, device: torch.device) -> str:
    """Why the harness would refuse what was timed, or ""."""
    module = module.to(device)
    twin, x = deepcopy(module), torch.randn(4, 8, device=device)
    with torch.no_grad():
        module(x)
    try:
        check_honesty(module, twin, x, ())
    except DishonestError as error:
        return str(error)
    return ""


def _refused(reason: str) -> str:
    return f"refused ({reason})" if reason else "not refused"
