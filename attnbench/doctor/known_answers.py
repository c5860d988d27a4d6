"""The harness tried on known answers: MACs, memory, and an operator that does not do its work.

Each test returns a finding that says what was expected and what came.
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

from attnbench.doctor.findings import passed_or_failed
from attnbench.profiling.counting.macs import CountError, count_macs
from attnbench.profiling.honesty.check import check_honesty
from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.latency.timer import Call
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.records import Finding
from attnbench.units import format_bytes

KIB = 2**10


class _Product(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.function(*tensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class _KnownModule:
    """A module whose MACs anybody can work out by hand."""

    name: str
    build: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    macs: int


KNOWN_MACS = (
    _KnownModule(
        name="linear",  # images × tokens × width in × width out
        build=partial(nn.Linear, 64, 48),
        shapes=((5, 7, 64),),
        macs=5 * 7 * 64 * 48,
    ),
    _KnownModule(
        name="convolution",  # images × output pixels × channels out × channels in × kernel
        build=partial(nn.Conv2d, 8, 16, kernel_size=3, stride=2, padding=1),
        shapes=((3, 8, 10, 12),),
        macs=3 * (5 * 6) * 16 * 8 * (3 * 3),
    ),
    _KnownModule(
        name="fused attention",  # two products × images × heads × queries × keys × width
        build=partial(_Product, F.scaled_dot_product_attention),
        shapes=((2, 3, 7, 16), (2, 3, 11, 16), (2, 3, 11, 16)),
        macs=2 * 2 * 3 * 7 * 11 * 16,
    ),
    _KnownModule(
        name="batched product",
        build=partial(_Product, torch.matmul),
        shapes=((4, 3, 5, 6), (4, 3, 6, 7)),
        macs=4 * 3 * 5 * 6 * 7,
    ),
)


def check_macs() -> Finding:
    """Whether the counts equal the closed forms, batch included."""
    wrong = [text for text in map(_wrong_count, KNOWN_MACS) if text]
    names = ", ".join(known.name for known in KNOWN_MACS)
    return passed_or_failed(
        "known MACs", not wrong, "; ".join(wrong) or f"as the closed forms say, exactly: {names}"
    )


def _wrong_count(known: _KnownModule) -> str:
    """What came instead of the closed form, or ""."""
    with torch.device("meta"):
        module, inputs = known.build(), [torch.empty(shape) for shape in known.shapes]
    try:
        count_macs(module, inputs, closed_form=known.macs)
    except CountError as error:
        return f"{known.name}: {error}"
    return ""


def known_allocations(device: torch.device) -> Mapping[str, tuple[Call, int]]:
    """Calls, each with the most bytes that it holds at once."""

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


def check_memory(device: torch.device) -> Finding:
    """Whether the peak of known allocations is found, including memory that was freed."""
    calls = known_allocations(device)
    wrong = []
    for name, (call, expected) in calls.items():
        call()
        came = measure_memory(call, device).peak_net_bytes
        if came != expected:
            wrong.append(f"{name}: expected {expected:,} bytes, came {came:,}")
    peaks = ", ".join(format_bytes(expected) for _, expected in calls.values())
    return passed_or_failed(
        "known memory", not wrong, "; ".join(wrong) or f"peaks found to the byte: {peaks}"
    )


class _Forgetful(nn.Module):
    """A linear layer that returns its previous output, which looks like speed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        answer, self.last = self.last, self.layer(x)
        return self.last if answer is None else answer


def check_refusal(device: torch.device) -> Finding:
    """Whether an operator that returns its previous output is refused, and an honest one not."""
    refusal = _refusal(_Forgetful(), device)
    honest_refusal = _refusal(nn.Linear(8, 8), device)
    texts = [
        f"an operator that returns its last answer was {_refused(refusal)}",
        f"an honest one was {_refused(honest_refusal)}",
    ]
    return passed_or_failed(
        "dishonest operator", bool(refusal) and not honest_refusal, "; ".join(texts)
    )


def _refusal(module: nn.Module, device: torch.device) -> str:
    """Why the harness refuses the module, or ""."""
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
