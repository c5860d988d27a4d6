"""Work on a GPU that goes on when the stream of the call is idle."""

from __future__ import annotations

from collections.abc import Callable

import torch

from attnbench import clocks
from attnbench.profiling.honesty.dishonest import DishonestError

IDLE_S = 1e-3
"""Seconds; a device that stays busy for longer after the stream is idle has work elsewhere."""


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
    start = clocks.perf_counter()
    torch.cuda.synchronize(device)
    left_s = clocks.perf_counter() - start
    if left_s > IDLE_S:
        raise DishonestError(
            f"the device works for {1e3 * left_s:.1f} ms after the stream of the call is idle: "
            "work on another stream escapes the clock; wait for it before returning"
        )
