"""torch's compiler from cell to cell: each finds it as a fresh process would.

The compiler keeps what it has compiled, by function. A function that it meets at a second size is
compiled for sizes in general, which may be slower; after eight variants of a function it gives up
without an error, and the rest runs as eager code. A cell measured after others must suffer neither.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

FLEX = "attnbench.kernels.softmax.flex"
DYNAMO = "torch._dynamo"
LIMITS = ("recompile_limit", "accumulated_recompile_limit")
GIVEN_UP = "Dynamo recompile limit exceeded"
"""How torch begins its reason for giving up; it counts its reasons."""


class CompilerForCells:
    """The compiler during one comparison; a context manager, which puts its limits back.

    On entry it forgets what it compiled for earlier comparisons. Python users who compile functions
    of their own wait for them once more.
    """

    def __init__(self, cells: int) -> None:
        """Nothing is changed yet; `cells` share the compiler."""
        self._cells = cells
        self._before: dict[str, int] = {}

    def __enter__(self) -> CompilerForCells:
        forget_compiled()
        return self

    def __exit__(self, *error: object) -> None:
        config = _config()
        for name, value in self._before.items():
            setattr(config, name, value)
        self._before = {}

    @contextmanager
    def calling(self) -> Iterator[list[str]]:
        """For the first call of a cell; afterwards the list says where the compiler gave up.

        Each cell may have as many variants of a function as torch grants to one process.
        """
        self._share_limits()
        notes: list[str] = []
        before = _times_given_up()
        yield notes
        if _times_given_up() > before:
            limit = getattr(_config(), LIMITS[0])
            notes.append(
                f"runs in part as eager code: torch's compiler gave up a function after {limit} "
                "variants of it; compile it with dynamic=True, or raise "
                "torch._dynamo.config.recompile_limit"
            )

    def _share_limits(self) -> None:
        """The compiler is loaded with the first plug-in or module that needs it, so look late."""
        config = _config()
        if config is None or self._before:
            return
        self._before = {name: getattr(config, name) for name in LIMITS}
        for name, value in self._before.items():
            setattr(config, name, value * self._cells)


def forget_compiled() -> None:
    """Compiled functions will be compiled anew at their next call, as in a fresh process."""
    if DYNAMO in sys.modules:
        torch.compiler.reset()
    if FLEX in sys.modules:
        sys.modules[FLEX].forget_kernels()


def _config() -> Any:
    return sys.modules[DYNAMO].config if DYNAMO in sys.modules else None


def _times_given_up() -> int:
    if DYNAMO not in sys.modules:
        return 0
    reasons = sys.modules[DYNAMO].utils.counters["unimplemented"]
    return sum(times for reason, times in reasons.items() if reason.startswith(GIVEN_UP))
