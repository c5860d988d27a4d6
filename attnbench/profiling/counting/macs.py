"""Multiply-accumulates, counted in independent ways that must agree exactly.

A mechanism states its closed form, fvcore reads a trace of the call, torch's counter watches the
operators as they run. All that can count must give the same matrix products and convolutions, batch
included. fvcore cannot trace everything; without it torch's counter and the closed form decide, and
a note says so. A whole model has no closed form.

Counting needs no data where shapes decide: on the meta device it takes no arithmetic and no memory,
is the same for every device, and takes a second even for dense attention at 65,536 tokens. With
data, on the CPU, code is counted whose work depends on values: the closed form is then an upper
bound, and the mean over inputs stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.profiling.counting.eager import eager_calls
from attnbench.profiling.counting.einsum import refuse_many_operands
from attnbench.profiling.counting.formulas import formula_notes, register_macs_formula
from attnbench.profiling.counting.fvcore_count import count_by_fvcore
from attnbench.profiling.counting.operators import CountError
from attnbench.profiling.counting.torch_count import (
    TorchCount,
    watch_forward,
    watch_training,
)
from attnbench.records import Macs

__all__ = ["CountError", "count_forward_macs", "count_macs", "register_macs_formula"]


OnNote = Callable[[str], None]


def count_macs(
    module: nn.Module,
    inputs: Sequence[Tensor],
    arguments: Sequence[Any] = (),
    closed_form: int | None = None,
    on_note: OnNote = lambda note: None,
    other_inputs: Sequence[Sequence[Tensor]] = (),
) -> Macs:
    """Count one call `module(*inputs, *arguments)`, and a training step of it if it has one.

    Args:
        module: what is called; on the meta device, or on the CPU to be counted with data.
        inputs: its tensors, on the same device.
        arguments: the further arguments of the call.
        closed_form: MACs of the forward call as stated by the module; None for a whole model.
        on_note: told what a reader must know of the count.
        other_inputs: more inputs of the same shapes; the count is a mean over all of them where it
            depends on the data.

    Raises:
        CountError: the ways to count disagree, or an operator has no formula; it is named.
    """
    macs = count_forward_macs(module, inputs, arguments, closed_form, on_note, other_inputs)
    if macs.average_macs is not None:
        return macs
    with eager_calls():
        step = watch_training(module, inputs, arguments)
    if step is None:
        return macs
    if step.recomputed_macs:
        on_note(
            f"training recomputes {step.recomputed_macs:,} MACs more, beside the "
            f"{step.macs.products_macs:,} of forward and backward"
        )
    return replace(
        macs, training_macs=step.macs.products_macs, recomputed_macs=step.recomputed_macs
    )


def count_forward_macs(
    module: nn.Module,
    inputs: Sequence[Tensor],
    arguments: Sequence[Any] = (),
    closed_form: int | None = None,
    on_note: OnNote = lambda note: None,
    other_inputs: Sequence[Sequence[Tensor]] = (),
) -> Macs:
    """`count_macs` without the training step, which takes nearly half of the time."""
    with eager_calls():
        # torch's counter runs first, because it fills what the module keeps for later calls (masks,
        # indices): fvcore's trace and its list of uncounted operators are then of a later call.
        with _same_draws():
            first = watch_forward(module, inputs, arguments)
            others = [watch_forward(module, one, arguments) for one in other_inputs if first.reads]
        if closed_form is not None and first.long_einsums:
            refuse_many_operands(*first.long_einsums[0])
        depends = bool(first.reads) and not inputs[0].is_meta
        stated = None if depends else closed_form
        macs = _agreed(module, inputs, arguments, stated, first, on_note)
    if depends:
        macs = _with_data(macs, [first, *others], closed_form, on_note)
    _tell(first, macs, on_note)
    return macs


def _agreed(
    module: nn.Module,
    inputs: Sequence[Tensor],
    arguments: Sequence[Any],
    closed_form: int | None,
    by_torch: TorchCount,
    on_note: OnNote,
) -> Macs:
    """The count of one call by all ways that can count it."""
    ways = {"closed form": closed_form, "torch's counter": by_torch.macs.products_macs}
    try:
        if by_torch.leaving:  # what comes back is a constant in a trace
            raise CountError(f"values leave torch by {', '.join(by_torch.leaving)}")
        with _same_draws():
            macs = count_by_fvcore(module, inputs, arguments)
    except CountError as error:
        _refuse_disagreement(ways)
        others = "alone" if closed_form is None else "and the closed form"
        reason, _, _ = str(error).removeprefix("MACs not counted: ").partition(";")
        on_note(f"MACs by torch's counter {others}: {reason}")
        return by_torch.macs
    _refuse_disagreement({"closed form": closed_form, "fvcore": macs.products_macs, **ways})
    return replace(macs, by_formula=by_torch.macs.by_formula)


@contextmanager
def _same_draws() -> Iterator[None]:
    """Code that draws random numbers draws the same for each counter; torch's seed is kept."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(0)
        yield


def _refuse_disagreement(ways: Mapping[str, int | None]) -> None:
    counts = {way: count for way, count in ways.items() if count is not None}
    if len(set(counts.values())) > 1:
        numbers = ", ".join(f"{way} {count:,}" for way, count in counts.items())
        raise CountError(f"MACs disagree: {numbers}")


def _with_data(
    macs: Macs, counts: Sequence[TorchCount], closed_form: int | None, on_note: OnNote
) -> Macs:
    """The count of code whose work depends on values, over several inputs.

    Raises:
        CountError: an input takes more than the closed form, which is no upper bound then.
    """
    found = [count.macs.products_macs for count in counts]
    average, most = round(sum(found) / len(found)), max(found)
    if closed_form is not None and most > closed_form:
        raise CountError(
            f"MACs disagree: torch's counter {most:,} for one of {len(found)} inputs; the count "
            f"depends on the data, so the closed form {closed_form:,} must be an upper bound"
        )
    over = f"{len(found)} random normal inputs"
    spread = (
        f"{most:,} MACs for each of {over}"
        if most == min(found)
        else f"{average:,} MACs on average over {over} ({min(found):,} to {most:,})"
    )
    bound = "" if closed_form is None else f", at most {closed_form:,} by the closed form"
    on_note(
        f"the count depends on the data ({', '.join(counts[0].reads)}): {spread}{bound}; the "
        "latency holds for such inputs alone, and training MACs are not given"
    )
    products = average if closed_form is None else closed_form
    return replace(macs, products_macs=products, average_macs=average)


def _tell(first: TorchCount, macs: Macs, on_note: OnNote) -> None:
    """Say what a reader must know of the operators."""
    free = [name for name in first.macs.by_formula if name in first.free_by_formula]
    for note in formula_notes(macs.by_formula, free):
        on_note(note)
    if first.quantised_macs:
        names = ", ".join(first.quantised_macs)
        on_note(f"quantised: {sum(first.quantised_macs.values()):,} of the MACs ({names})")
    if first.branches:
        on_note("the count depends on the data (torch.cond): the larger branch is counted")
    if first.leaving:
        on_note("work on values that left torch is not counted")
