"""Tensors that follow from sizes alone, such as masks and indices: made once and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")
KEPT = 64


def tensor_cache(make: Callable[P, T]) -> Callable[P, T]:
    """Decorator: keep what `make` returned for its last 64 different arguments.

    Made outside of inference mode: a kept inference tensor could never serve a training step. A
    compiler, which cannot see into the past, is shown how they are made.
    """
    kept = lru_cache(KEPT)(torch.inference_mode(False)(make))

    @wraps(make)
    def look_up(*args: P.args, **kwargs: P.kwargs) -> T:
        if torch.compiler.is_compiling():
            return make(*args, **kwargs)
        return kept(*args, **kwargs)  # type: ignore[arg-type]

    return look_up
