"""A subject built on a device: module, input, and the call that is timed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.benchmark.subject import Subject, subject_of
from attnbench.profiling.counting.weights import call_if_lazy, call_once, in_dtype
from attnbench.profiling.honesty.output import Expected
from attnbench.profiling.honesty.verifier import Verifier
from attnbench.profiling.latency.modes import Pass, call_of
from attnbench.profiling.latency.timer import Call
from attnbench.spec import AnyWorkload


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What a cell needs while it is measured."""

    call: Pass
    """What is timed."""
    module: nn.Module
    x: Tensor
    verifier: Verifier
    """Gives each call a new input, and verifies some of them."""
    arguments: tuple[Any, ...] = ()
    """What the module takes besides the input."""

    def forward(self) -> object:
        """One forward pass, whatever mode is timed."""
        return self.module(self.x, *self.arguments)


def build_instance(
    subject: Subject,
    workload: AnyWorkload,
    device: torch.device,
    built: nn.Module | None = None,
    makes_weights: bool = False,
) -> Instance:
    """Build module and input on the device; the module is called only if backward is timed.

    `built` is measured in place of a new module, with its weights as they are. A module whose first
    call makes weights gets one call of its own, so that its twin has the same ones.
    """
    module, x = _build(subject, workload, device, built)
    if makes_weights:
        call_once(module, x, subject.arguments, workload.seed)
    pristine = deepcopy(module)
    call = call_of(workload.mode, module, x, subject.arguments)
    expected = Expected(device=x.device, shape=subject.output_shape, dtype=_due_dtype(subject, x))
    return Instance(
        call=call,
        module=module,
        x=x,
        verifier=Verifier(call, pristine, expected),
        arguments=subject.arguments,
    )


def _due_dtype(subject: Subject, x: Tensor) -> torch.dtype | None:
    """A layer answers in the dtype of its input; whole models may answer in another."""
    return None if subject.output_shape is None else x.dtype


def call_on_cpu(workload: AnyWorkload) -> Call:
    """The call of a workload, built on the CPU; a fresh process imports this function by name."""
    subject = subject_of(workload)
    module, x = _build(subject, workload, torch.device("cpu"))
    return call_of(workload.mode, module, x, subject.arguments)


def _build(
    subject: Subject, workload: AnyWorkload, device: torch.device, built: nn.Module | None = None
) -> tuple[nn.Module, Tensor]:
    dtype = getattr(torch, workload.dtype)
    module = _seeded(subject, workload) if built is None else built
    module = in_dtype(module.to(device), dtype)
    generator = torch.Generator().manual_seed(workload.seed)
    x = torch.randn(subject.input_shape, generator=generator).to(device=device, dtype=dtype)
    call_if_lazy(module, x, subject.arguments, workload.seed)
    return module, x


def _seeded(subject: Subject, workload: AnyWorkload) -> nn.Module:
    """A new module whose weights follow from the workload's seed; torch's own seed is kept."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(workload.seed)
        return subject.build()
