"""A subject that lives on a device: module, input, and the call that is timed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attnbench.benchmark.subject import Subject, subject_of
from attnbench.profiling.honesty import check_honesty, check_stream, freshen
from attnbench.profiling.latency.modes import call_of
from attnbench.profiling.latency.timer import Call
from attnbench.spec import AnyWorkload


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What a cell is made of while it lives."""

    call: Call
    """What is timed."""
    module: nn.Module
    twin: nn.Module
    """A copy of the module that was never called, to check the timed one against."""
    x: Tensor
    subject: Subject
    keeps_input: bool
    """Whether the call is bound to the values of `x`: a backward pass walks a graph that is."""

    def freshen(self) -> None:
        """Give the next call an input that no earlier one saw."""
        if not self.keeps_input:
            freshen(self.x)

    def check(self) -> None:
        """Refuse a call that did not do its work (see `profiling.checks`); the last thing to do."""
        check_stream(self.call, self.x.device)
        check_honesty(self.module, self.twin, self.x, self.subject.arguments)


def start(
    subject: Subject, workload: AnyWorkload, device: torch.device, built: nn.Module | None = None
) -> Instance:
    """Build module and input on the device; only where a backward pass is timed was it called.

    `built` is measured in place of a new module, with its weights as they are.
    """
    module, x = _build(subject, workload, device, built)
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
    """What is timed of a workload, built on the CPU, for a process that knows nothing yet."""
    subject = subject_of(workload)
    module, x = _build(subject, workload, torch.device("cpu"))
    return call_of(workload.mode, module, x, subject.arguments)


def _build(
    subject: Subject, workload: AnyWorkload, device: torch.device, built: nn.Module | None = None
) -> tuple[nn.Module, Tensor]:
    dtype = getattr(torch, workload.dtype)
    module = (subject.build() if built is None else built).to(device=device, dtype=dtype)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(subject.input_shape, generator=generator).to(device=device, dtype=dtype)
    return module, x
