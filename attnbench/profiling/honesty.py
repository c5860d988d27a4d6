"""Honesty checks: was the work that was timed really done?

After timing, the module is called again on an input that it has never seen, beside a twin with the
same weights that was never called before. It is dishonest, by design or by mistake, if

- its output differs from the twin's, or is the same for two inputs: it answers from memory;
- its output still changes after it has returned: a part of its work came after the clock stopped
  (on the CPU this is found if that part ends within 10 ms);
- it changes its input: the calls that were timed then worked on different data;
- the device keeps working after the stream of the call is idle: the clock saw a part of the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.isolation.failure import ExplainedError

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 3e-2, torch.float16: 1e-2}
"""Share of the largest output: far above what the order of additions changes, far below bugs."""
SETTLE_S = 0.01
"""Seconds for which an output must not change after its call."""
IDLE_S = 1e-3
"""Seconds; a device that stays busy for longer after the stream is idle has work elsewhere."""


class DishonestError(ExplainedError):
    """The module does not do the work that was timed, or does more than that."""


def freshen(x: Tensor) -> None:
    """Change one element of an input, so that no earlier answer is right for it."""
    with torch.no_grad():
        x.view(-1)[:1].neg_()


@torch.no_grad()
def check_honesty(module: nn.Module, twin: nn.Module, x: Tensor, arguments: Sequence[Any]) -> None:
    """Call the module twice on new values in the memory of `x`, and compare it with the twin.

    Args:
        module: what was timed, in the state that timing left it in.
        twin: a copy that was never called; it is given the module's weights.
        x: the input that was timed; it gets new values.
        arguments: what the call takes besides.

    Raises:
        DishonestError: a check failed; the message says what was expected and what came.
    """
    was_training = module.training
    twin.load_state_dict(module.state_dict(), strict=False)  # the first call may add buffers
    first, _ = _answers(module.eval(), x, arguments, seed=1)
    second, before = _answers(module, x, arguments, seed=2)
    expected = _tensors(twin.eval()(before, *arguments))
    module.train(was_training)
    for one, other, theirs in zip(first, second, expected, strict=True):
        if one.any() and torch.equal(one, other):
            raise DishonestError("two inputs get the same output: it answers from memory")
        _compare(other, theirs)


def _answers(
    module: nn.Module, x: Tensor, arguments: Sequence[Any], seed: int
) -> tuple[list[Tensor], Tensor]:
    """The outputs for new values of the input, copied at once, and these values."""
    x.copy_(torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)))
    before = x.clone()
    outputs = _tensors(module(x, *arguments))
    given = [output.clone() for output in outputs]
    time.sleep(SETTLE_S)
    if not torch.equal(x, before):
        raise DishonestError("the call changes its input, so later calls see other data")
    for output, at_once in zip(outputs, given, strict=True):
        if not torch.equal(output.nan_to_num(), at_once.nan_to_num()):
            raise DishonestError("the output still changes after the call has returned")
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
            "its size, beside a fresh copy of the same weights: it stems from an earlier call"
        )


def check_stream(call: Callable[[], object], device: torch.device) -> None:
    """Call once on a GPU, and check that no work is left once the stream of the call is idle.

    Raises:
        DishonestError: the device is still busy.
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
            f"the device works for {1e3 * left_s:.1f} ms after the stream of the call is idle: "
            "work on another stream escapes the clock; wait for it before returning"
        )
