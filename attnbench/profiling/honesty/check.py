"""The honesty checks of one module outside of a cell: as `doctor` tries them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from attnbench.profiling.honesty.output import Expected
from attnbench.profiling.honesty.verifier import Verifier
from attnbench.profiling.latency.modes import call_of
from attnbench.spec import Mode


def check_honesty(
    module: nn.Module,
    twin: nn.Module,
    x: Tensor,
    arguments: Sequence[Any] = (),
    *,
    mode: Mode = "forward",
) -> tuple[str, ...]:
    """Verify three calls of a module on new values in the memory of `x`.

    Args:
        module: what is called, in the state that earlier calls left it in.
        twin: a copy that was never called.
        x: the input; it gets new values.
        arguments: what the call takes besides.
        mode: what is called.

    Returns:
        Notes about the outputs.

    Raises:
        DishonestError: a check failed; the message says what was expected and what came.
    """
    was_training = module.training
    call = call_of(mode, module, x, arguments)
    verifier = Verifier(call, twin, Expected(device=x.device))
    for _ in range(2):
        verifier.run_verified()
    verifier.finish()
    module.train(was_training)
    return verifier.notes
