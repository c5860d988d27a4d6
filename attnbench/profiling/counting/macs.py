"""Multiply-accumulates, counted in independent ways that must agree exactly.

A mechanism states its closed form; fvcore reads a trace of the call; torch's counter watches the
operators as they run. Matrix products and convolutions must come out the same, batch included.
A whole model has no closed form, and two ways remain.

Everything is counted on the meta device, where tensors have shapes and no data: no arithmetic, no
memory, the same answer for every device, within a second even for dense attention at 65,536 tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from attnbench.profiling.counting.fvcore_count import count_by_fvcore
from attnbench.profiling.counting.operators import CountError, register_macs_formula
from attnbench.profiling.counting.torch_count import count_by_torch, count_training_by_torch
from attnbench.records import Macs

__all__ = ["CountError", "count_forward_macs", "count_macs", "register_macs_formula"]


def count_macs(
    module: nn.Module,
    inputs: Sequence[Tensor],
    arguments: Sequence[Any] = (),
    closed_form: int | None = None,
) -> Macs:
    """Count one call `module(*inputs, *arguments)`, and a training step of it where there is one.

    Args:
        module: what is called, on the meta device.
        inputs: its tensors, on the meta device.
        arguments: what the call takes besides them.
        closed_form: MACs of the forward call as stated by the module, or None.

    Raises:
        CountError: the ways to count disagree, or an operator has no formula; it is named.
    """
    macs = count_forward_macs(module, inputs, arguments, closed_form)
    return replace(macs, training_macs=count_training_by_torch(module, inputs, arguments))


def count_forward_macs(
    module: nn.Module,
    inputs: Sequence[Tensor],
    arguments: Sequence[Any] = (),
    closed_form: int | None = None,
) -> Macs:
    """`count_macs` without the training step, which takes nearly half of the time."""
    # First the way that runs the module: it fills what is kept for later calls (masks, indices),
    # so that the trace and its list of uncounted operators are those of any later call.
    by_torch = count_by_torch(module, inputs, arguments)
    macs = count_by_fvcore(module, inputs, arguments)
    ways = {"closed form": closed_form, "fvcore": macs.products_macs, "torch's counter": by_torch}
    _refuse_disagreement({way: count for way, count in ways.items() if count is not None})
    return macs


def _refuse_disagreement(ways: Mapping[str, int]) -> None:
    if len(set(ways.values())) > 1:
        numbers = ", ".join(f"{way} {count:,}" for way, count in ways.items())
        raise CountError(f"MACs disagree: {numbers}")
