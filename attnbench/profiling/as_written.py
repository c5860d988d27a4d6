"""Calls that are looked at, not timed: compiled code runs as it was written."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch


@contextmanager
def as_written() -> Iterator[None]:
    """Run compiled functions as they were written, and quietly.

    Looking must not use up the few recompilations that torch allows a function, nor leave it slow
    for later calls. What torch says of uncompiled FlexAttention is true only here.
    """
    # Where the compiler is not loaded nothing is compiled, and its import takes seconds.
    dynamo = "torch._dynamo" in sys.modules
    eager = torch.compiler.set_stance("force_eager") if dynamo else nullcontext()
    with warnings.catch_warnings(), eager:
        warnings.simplefilter("ignore")
        yield
