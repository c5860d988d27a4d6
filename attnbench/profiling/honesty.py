"""What a call must hold to before its time is worth anything: no speed for work that was not done.

A module is asked once more after it was timed, on an input that it has never seen, beside a twin
with the same weights that was never called before. It is dishonest, by design or by mistake, if

- its output is not the twin's, or the same for two inputs: it answers from memory;
- its output still changes when it has returned: a part of its work came after the clock stopped
  (on the CPU this shows where that part is over within 10 ms);
- it changes its input: the calls that were timed then worked on different data;
- the device goes on working when the stream of the call is idle: the clock saw a part of the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 3e-2, torch.float16: 1e-2}
"""Of the largest output: far above what the order of additions changes, far below real errors."""
SETTLE_S = 0.01
"""For so long an output must not change after its call."""
IDLE_S = 1e-3
"""A device that stays busy for longer after the stream has ended has work elsewhere."""


class DishonestError(Exception):
    """The module does not do, or not only do, the work that was timed."""


def freshen(x: Tensor) -> None:
    """Change one element of an input, so that no answer to an earlier one is right any more."""
    with torch.no_grad():
        x.view(-1)[:1].neg_()


@torch.no_grad()
def check_honesty(module: nn.Module, twin: nn.Module, x: Tensor, arguments: Sequence[Any]) -> None:
    """Call the module on new values of `x`, in its very memory, twice, and the twin beside it.

    Args:
        module: what was timed, in whatever state that left it.
        twin: built or copied beside it and never called; it is given the module's weights.
        x: the input that was timed; it gets new values.
        arguments: what the call takes besides.

    Raises:
        DishonestError: with what was expected and what came.
    """
    was_training = module.training
    twin.load_state_dict(module.state_dict(), strict=False)  # the first call may add buffers
    first, _ = _answers(module.eval(), x, arguments, seed=1)
    second, before = _answers(module, x, arguments, seed=2)
    expected = _tensors(twin.eval()(before, *arguments))
    module.train(was_training)
    for one, other, theirs in zip(first, second, expected, strict=True):
        if one.any() and torch.equal(one, other):
            raise DishonestError("two inputs get one and the same output: it answers from memory")
        _compare(other, theirs)


def _answers(
    module: nn.Module, x: Tensor, arguments: Sequence[Any], seed: int
) -> tuple[list[Tensor], Tensor]:
    """What the module makes of new values, copied at once, and these values."""
    x.copy_(torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)))
    before = x.clone()
    outputs = _tensors(module(x, *arguments))
    given = [output.clone() for output in outputs]
    time.sleep(SETTLE_S)
    if not torch.equal(x, before):
        raise DishonestError("the call changes its input, which no later call then sees as it was")
    for output, at_once in zip(outputs, given, strict=True):
        if not torch.equal(output.nan_to_num(), at_once.nan_to_num()):
            raise DishonestError("the output still changes when the call has returned")
    return given, before


def _tensors(output: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]


def _compare(given: Tensor, expected: Tensor) -> None:
    if given.shape != expected.shape:
        shapes = f"{tuple(given.shape)}, expected {tuple(expected.shape)}"
        raise DishonestError(f"the output of a new input has shape {shapes}")
    if expected.numel() == 0 or not expected.is_floating_point():
        return
    error = (given.float() - expected.float()).nan_to_num().abs().max().item()
    largest = expected.float().nan_to_num().abs().max().item()
    if error > TOLERANCE.get(expected.dtype, 1e-3) * largest:
        raise DishonestError(
            f"the output of a new input is off by {error / largest if largest else error:.2g} of "
            "its size, beside the same weights in a fresh copy: it stems from an earlier call"
        )


def check_stream(call: Callable[[], object], device: torch.device) -> None:
    """Call once on a GPU, and see that no work is left when the stream of the call is idle.

    Raises:
        DishonestError: the device is still busy then.
    """
    if device.type != "cuda":
        return
    torch.cuda.synchronize(device)
    call()
    torch.cuda.current_stream(device).synchronize()
    start = time.perf_counter()
    torch.cuda.synchronize(device)
    left_s = time.perf_counter() - start
    if left_s > IDLE_S:
        raise DishonestError(
            f"the device goes on for {1e3 * left_s:.1f} ms when the stream of the call is idle: "
            "work on another stream escapes the clock; wait for it before returning"
        )
