"""Tells recomputation from the work of a backward pass (checkpoints, reversible layers).

The engine of autograd runs its own work with gradients disabled, and whoever recomputes a forward
pass enables them with `torch.enable_grad`. All that runs inside is recomputation, also where
gradients are disabled again in it (a checkpoint inside a checkpoint), except for a backward pass
of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Recomputing:
    """Knows at each operator whether it recomputes."""

    def __init__(self) -> None:
        self._in_backward = False
        self._enabled_by: list[Any] = []
        """The node of the backward graph in which each open `torch.enable_grad` stands."""

    def now(self) -> bool:
        """Whether what runs at this moment is forward work done again."""
        if not self._in_backward:
            return False
        inside = bool(self._enabled_by) and self._enabled_by[-1] == _node()
        return torch.is_grad_enabled() or inside

    @contextmanager
    def backward_pass(self) -> Iterator[None]:
        """What runs inside is a backward pass, and what it recomputes."""
        enter, leave = torch.enable_grad.__enter__, torch.enable_grad.__exit__

        def watched_enter(context: Any) -> None:
            self._enabled_by.append(_node())
            enter(context)

        def watched_leave(context: Any, *error: Any) -> None:
            self._enabled_by.pop()
            leave(context, *error)

        self._in_backward = True
        torch.enable_grad.__enter__ = watched_enter  # type: ignore[method-assign]
        torch.enable_grad.__exit__ = watched_leave  # type: ignore[method-assign]
        try:
            yield
        finally:
            torch.enable_grad.__enter__ = enter  # type: ignore[method-assign]
            torch.enable_grad.__exit__ = leave  # type: ignore[method-assign]
            self._in_backward = False


def _node() -> Any:
    """The node of the backward graph that is being evaluated, or None."""
    return torch._C._current_autograd_node()
