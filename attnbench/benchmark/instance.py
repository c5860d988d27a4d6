"""A subject built on a device: module, input, and the call that is timed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attnbench.benchmark.subject import Subject, subject_of
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


def build_instance(
    subject: Subject, workload: AnyWorkload, device: torch.device, built: nn.Module | None = None
) -> Instance:
    """Build module and input on the device; the module is called only if backward is timed.

    `built` is measured in place of a new module, with its weights as they are.
    """
    module, x = _build(subject, workload, device, built)
    pristine = deepcopy(module)
    call = call_of(workload.mode, module, x, subject.arguments)
    expected = Expected(device=x.device, shape=subject.output_shape, dtype=_due_dtype(subject, x))
    return Instance(call=call, module=module, x=x, verifier=Verifier(call, pristine, expected))


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
    module = module.to(device=device, dtype=dtype)
    generator = torch.Generator().manual_seed(workload.seed)
    x = torch.randn(subject.input_shape, generator=generator).to(device=device, dtype=dtype)
    return module, x


def _seeded(subject: Subject, workload: AnyWorkload) -> nn.Module:
    """A new module whose weights follow from the workload's seed; torch's own seed is kept."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(workload.seed)
        return subject.build()
