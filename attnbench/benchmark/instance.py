"""A subject built on a device: module, input, and the call that is timed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attnbench.benchmark.subject import Subject, subject_of
from attnbench.profiling.counting.weights import call_if_lazy, call_once, in_dtype
from attnbench.profiling.honesty import check_honesty, check_stream, freshen
from attnbench.profiling.latency.modes import call_of
from attnbench.profiling.latency.timer import Call
from attnbench.spec import AnyWorkload


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What a cell needs while it is measured."""

    call: Call
    """What is timed."""
    module: nn.Module
    twin: nn.Module
    """A copy of the module that was never called, to check the timed one against."""
    x: Tensor
    subject: Subject
    keeps_input: bool
    """Whether the values of `x` must stay, as the graph of a backward pass is bound to them."""

    def freshen(self) -> None:
        """Change the input, so that the next call sees one that no earlier call saw."""
        if not self.keeps_input:
            freshen(self.x)

    def forward(self) -> object:
        """One forward pass, whatever mode is timed."""
        return self.module(self.x, *self.subject.arguments)

    def check(self) -> None:
        """Run the honesty checks; they change the input, so they come last.

        Raises:
            DishonestError: the call did not do its work.
        """
        check_stream(self.call, self.x.device)
        check_honesty(self.module, self.twin, self.x, self.subject.arguments)


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
    twin = deepcopy(module)
    return Instance(
        call=call_of(workload.mode, module, x, subject.arguments),
        module=module,
        twin=twin,
        x=x,
        subject=subject,
        keeps_input=workload.mode == "backward",
    )


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
