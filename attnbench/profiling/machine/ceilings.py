"""How fast this device can be: the limits that cells measured on it are compared with.

Three simple operations are timed as cells are, by the same clock:

- **matmul**: the product of two square matrices, the fastest way to spend multiply-accumulates.
- **copy**: a tensor copied onto another, from sizes that stay in the caches to sizes far beyond.
- **launch**: the operators of a small layer, in turn: a linear layer, which wakes all threads, and
  an addition, which does not. They cost little but their overhead.

Matrices are random: zeros would be multiplied faster, denormal numbers slower. Each size is
measured by itself, as a large copy in the same round would empty the caches of a small one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import linear

from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call, Timer
from attnbench.profiling.machine.environment import describe_environment
from attnbench.records import Ceiling, now
from attnbench.records.latency import Latency
from attnbench.spec import DType, Protocol

MATMUL_SIDES = {"cpu": (512, 1024, 2048), "cuda": (2048, 4096, 8192)}
COPY_BYTES = tuple(mebibytes * 2**18 for mebibytes in (1, 4, 16, 64, 256, 1024))
"""256 KiB to 256 MiB, each four times the one before."""
LAUNCHES = 100
"""Operators in a row: half of them linear layers, half additions."""
SMALL = (8, 32)
"""Tokens and width of the small layer: the least at which torch gives work to all threads."""
LONGEST_CALL_S = 0.5
"""A product that would take longer is left out: the rate no longer grows at that size."""
PROTOCOL = Protocol(warmup_s=0.2, precision=0.02, time_budget_s=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One operation to be timed: its size, its work, and how to build the call."""

    operation: Literal["matmul", "copy", "launch"]
    size: int
    macs: int
    moved_bytes: int
    build: Callable[[], Call]


def measure_ceilings(
    dtype: DType,
    device: torch.device,
    timer: Timer,
    *,
    protocol: Protocol | None = None,
    on_step: Callable[[str], None] = lambda text: None,
    on_ceiling: Callable[[Ceiling], None] = lambda ceiling: None,
) -> list[Ceiling]:
    """Measure all limits of one dtype; half a minute at most on two cores.

    Args:
        dtype: of the matrices and tensors.
        device: where.
        timer: the clock.
        protocol: how each of them is timed; `PROTOCOL` unless given.
        on_step: called with a line about what is being done, for a progress display.
        on_ceiling: called with each ceiling when it is known, for storing. Launches come last: if
            they are stored, all others are.

    Raises:
        RuntimeError: the device cannot compute with that dtype, or has too little memory.
    """
    environment = describe_environment(device)
    found: list[Ceiling] = []
    for trial in trials(dtype, device):
        if takes_too_long(trial, found):
            continue
        on_step(f"{dtype}: {trial.operation} {trial.size:,}")
        found.append(
            Ceiling(
                operation=trial.operation,
                dtype=dtype,
                size=trial.size,
                macs=trial.macs,
                moved_bytes=trial.moved_bytes,
                latency=_time(trial, protocol or PROTOCOL, timer),
                environment=environment,
                created=now(),
            )
        )
        on_ceiling(found[-1])
    return found


def trials(dtype: DType, device: torch.device) -> Iterator[Trial]:
    """What is timed, in order: products and copies from small to large, then launches."""
    of = getattr(torch, dtype)

    def random(*shape: int) -> Tensor:
        generator = torch.Generator(device).manual_seed(0)
        return torch.randn(shape, generator=generator, device=device).to(of)

    for side in MATMUL_SIDES[device.type]:
        yield Trial(
            operation="matmul",
            size=side,
            macs=side**3,
            moved_bytes=3 * side**2 * of.itemsize,
            build=lambda side=side: _matmul(random(side, side), random(side, side)),  # type: ignore[misc]
        )
    for size in COPY_BYTES:
        yield Trial(
            operation="copy",
            size=size,
            macs=0,
            moved_bytes=2 * size,
            build=lambda size=size: _copy(random(size // of.itemsize)),  # type: ignore[misc]
        )
    yield Trial(
        operation="launch",
        size=LAUNCHES,
        macs=LAUNCHES // 2 * SMALL[0] * SMALL[1] ** 2,
        moved_bytes=0,
        build=lambda: _launch(random(*SMALL), random(SMALL[1], SMALL[1])),
    )


def takes_too_long(trial: Trial, found: Sequence[Ceiling]) -> bool:
    """Whether a product would be too long at the rate of the one before it."""
    rates = [ceiling.macs_per_s for ceiling in found if ceiling.operation == "matmul"]
    is_product = trial.operation == "matmul"
    return bool(is_product and rates) and trial.macs / rates[-1] > LONGEST_CALL_S


def _time(trial: Trial, protocol: Protocol, timer: Timer) -> Latency:
    call = trial.build()
    call()  # an unsupported dtype is refused here, with torch's own reason
    return measure_latencies({"": call}, protocol, timer, rounds_with="")[""]


def _matmul(left: Tensor, right: Tensor) -> Call:
    product = torch.empty_like(left)

    @torch.inference_mode()
    def call() -> None:
        torch.mm(left, right, out=product)

    return call


def _copy(source: Tensor) -> Call:
    target = torch.empty_like(source)

    @torch.inference_mode()
    def call() -> None:
        target.copy_(source)

    return call


def _launch(tokens: Tensor, weight: Tensor) -> Call:
    @torch.inference_mode()
    def call() -> None:
        for _ in range(LAUNCHES // 2):
            torch.add(linear(tokens, weight), tokens)

    return call
