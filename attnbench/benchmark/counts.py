"""What is counted of a cell before it is measured: parameters, multiply-accumulates, bytes moved.

Everything is counted on the meta device, where shapes are enough. What cannot run there (code that
reads values, packed weights, operators without a meta kernel) is counted on the CPU with data: on
the input that will be timed and on a few others, as long as the call is small.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.benchmark.subject import Subject
from attnbench.errors import UserError
from attnbench.profiling.counting.macs import CountError, count_macs
from attnbench.profiling.counting.operators import in_a_sentence
from attnbench.profiling.counting.traffic import count_traffic
from attnbench.profiling.counting.weights import call_if_lazy, count_weights, in_dtype
from attnbench.spec import AnyWorkload

INPUTS = 4
"""Inputs over which the count is averaged where it depends on the data."""
MOST_MACS = 10**10
"""Of a call that is counted with data, by its closed form: a few seconds of a core."""
MOST_ELEMENTS = 4 * 2**20
"""Of an input that is counted with data."""


def count_cell(subject: Subject, workload: AnyWorkload, found: dict[str, Any]) -> bool:
    """Put the counted fields of the record into `found`, as they become known.

    Returns:
        Whether the first call makes weights, so that one is needed before anything is measured.

    Raises:
        CountError: something cannot be counted; it is named.
    """
    try:
        return _count(subject, workload, _on_meta(subject, workload), found)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - what needs data raises many types there
        return _count_with_data(subject, workload, error, found)


def inputs_of(subject: Subject, workload: AnyWorkload) -> Iterator[Tensor]:
    """Random normal inputs on the CPU, without end; the first is the one that is timed."""
    generator = torch.Generator().manual_seed(workload.seed)
    while True:
        x = torch.randn(subject.input_shape, generator=generator)
        yield x.to(getattr(torch, workload.dtype))


Built = tuple[nn.Module, list[Tensor]]


def _on_meta(subject: Subject, workload: AnyWorkload) -> Built:
    dtype = getattr(torch, workload.dtype)
    with torch.device("meta"):
        module = in_dtype(subject.build().eval(), dtype)
        return module, [torch.empty(subject.input_shape, dtype=dtype)]


def _on_cpu(subject: Subject, workload: AnyWorkload) -> Built:
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(workload.seed)
        module = subject.build()
    module = in_dtype(module.eval(), getattr(torch, workload.dtype))
    return module, list(islice(inputs_of(subject, workload), INPUTS))


def _count(subject: Subject, workload: AnyWorkload, built: Built, found: dict[str, Any]) -> bool:
    module, inputs = built
    call_if_lazy(module, inputs[0], subject.arguments)
    weights = count_weights(module)
    found["params"] = weights.params
    stated = subject.stated_macs(module) if subject.stated_macs else None
    notes: list[str] = []
    found["macs"] = count_macs(
        module,
        inputs[:1],
        subject.arguments,
        stated,
        notes.append,
        other_inputs=[(x,) for x in inputs[1:]],
    )
    traffic = count_traffic(module, inputs[:1], subject.arguments)
    after = count_weights(module)
    found |= {
        "params": after.params,
        "notes": (*after.notes, *notes),
        "traffic_bytes": traffic.moved_bytes,
        "least_bytes": traffic.least_bytes,
        "operators": traffic.operators,
    }
    return after.params != weights.params


def _count_with_data(
    subject: Subject, workload: AnyWorkload, on_meta: Exception, found: dict[str, Any]
) -> bool:
    """Count on the CPU what raised an error on the meta device."""
    elements = torch.Size(subject.input_shape).numel()
    if elements > MOST_ELEMENTS:
        raise _too_large(on_meta, f"{elements:,} elements of input", MOST_ELEMENTS)
    built = _on_cpu(subject, workload)
    stated = subject.stated_macs(built[0]) if subject.stated_macs else 0
    if stated > MOST_MACS:
        raise _too_large(on_meta, f"{stated:,} MACs", MOST_MACS)
    try:
        late = _count(subject, workload, built, found)
    except UserError:
        raise
    except Exception as error:
        if str(error) == str(on_meta):
            raise
        without, with_data = in_a_sentence(on_meta), in_a_sentence(error)
        raise CountError(
            f"MACs not counted: without data {without}; with data, on the CPU, {with_data}"
        ) from error
    if found["macs"].average_macs is None:
        found["notes"] += (f"counted with data, on the CPU: without data {in_a_sentence(on_meta)}",)
    return late


def _too_large(on_meta: Exception, size: str, most: int) -> CountError:
    return CountError(
        "MACs not counted: the count depends on the data, or needs them "
        f"({in_a_sentence(on_meta)}), and this call is too large to be counted with data: at most "
        f"{most:,}, got {size}; measure fewer tokens or a smaller batch"
    )
