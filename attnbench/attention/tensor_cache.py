"""A cache for tensors that depend only on sizes, such as masks and indices."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")
KEPT = 64


def tensor_cache(make: Callable[P, T]) -> Callable[P, T]:
    """Decorator: keep the results of `make` for its last 64 different arguments.

    Tensors are made outside inference mode, since a kept inference tensor could not serve a
    training step. Inside compiled code they are made again, so that the compiler sees how.
    """
    kept = lru_cache(KEPT)(torch.inference_mode(False)(make))

    @wraps(make)
    def look_up(*args: P.args, **kwargs: P.kwargs) -> T:
        if torch.compiler.is_compiling():
            return make(*args, **kwargs)
        return kept(*args, **kwargs)  # type: ignore[arg-type]

    return look_up
