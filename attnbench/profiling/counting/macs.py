"""Multiply-accumulates, counted in independent ways that must agree exactly.

A mechanism states its closed form, fvcore reads a trace of the call, torch's counter watches the
operators as they run. All three must give the same matrix products and convolutions, batch
included. A whole model has no closed form: its two counters must agree, and torch's alone decides
where fvcore cannot count the model.

Everything is counted on the meta device, where tensors have shapes but no data. Counts take no
arithmetic and no memory, are the same for every device, and take a second even for dense attention
at 65,536 tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from attnbench.profiling.counting.fvcore_count import count_by_fvcore
from attnbench.profiling.counting.operators import CountError, register_macs_formula
from attnbench.profiling.counting.torch_count import count_by_torch, count_training_by_torch
from attnbench.records import Macs

__all__ = ["CountError", "count_forward_macs", "count_macs", "register_macs_formula"]


OnNote = Callable[[str], None]


def count_macs(
    module: nn.Module,
    inputs: Sequence[Tensor],
    arguments: Sequence[Any] = (),
    closed_form: int | None = None,
    on_note: OnNote = lambda note: None,
) -> Macs:
    """Count one call `module(*inputs, *arguments)`, and a training step of it if it has one.

    Args:
        module: what is called, on the meta device.
        inputs: its tensors, on the meta device.
        arguments: the further arguments of the call.
        closed_form: MACs of the forward call as stated by the module; None for a whole model.
        on_note: told what a reader must know of the count.

    Raises:
        CountError: the ways to count disagree, or an operator has no formula; it is named.
    """
    macs = count_forward_macs(module, inputs, arguments, closed_form, on_note)
    return replace(macs, training_macs=count_training_by_torch(module, inputs, arguments))


def count_forward_macs(
    module: nn.Module,
    inputs: Sequence[Tensor],
    arguments: Sequence[Any] = (),
    closed_form: int | None = None,
    on_note: OnNote = lambda note: None,
) -> Macs:
    """`count_macs` without the training step, which takes nearly half of the time."""
    # torch's counter runs first, because it fills what the module keeps for later calls (masks,
    # indices): fvcore's trace and its list of uncounted operators are then those of a later call.
    by_torch = count_by_torch(module, inputs, arguments)
    try:
        macs = count_by_fvcore(module, inputs, arguments)
    except CountError as error:
        if closed_form is not None:
            raise
        reason, _, _ = str(error).removeprefix("MACs not counted: ").partition(";")
        on_note(f"MACs by torch's counter alone: {reason}")
        return by_torch
    ways = {
        "closed form": closed_form,
        "fvcore": macs.products_macs,
        "torch's counter": by_torch.products_macs,
    }
    _refuse_disagreement({way: count for way, count in ways.items() if count is not None})
    return macs


def _refuse_disagreement(ways: Mapping[str, int]) -> None:
    if len(set(ways.values())) > 1:
        numbers = ", ".join(f"{way} {count:,}" for way, count in ways.items())
        raise CountError(f"MACs disagree: {numbers}")
