"""Calls as the counters need them: eager, without short cuts, and quiet.

- A function or module that torch compiles runs as its eager twin. Nothing is compiled meanwhile and
  nothing that was compiled is dropped, so the compiled one is neither warmed up nor spoilt.
- torch's own attention layers do not take the fused short cut of inference, which would hide their
  products in an operator that no counter knows.
- Recurrent layers do not take oneDNN's whole operator, for the same reason.
- Warnings are hidden: the timed call gives them again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import mha, mkldnn


@contextmanager
def eager_calls() -> Iterator[None]:
    """Let the calls inside be eager, whole and quiet; the settings are put back."""
    fused = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.compiler.set_stance("force_eager"), mkldnn.flags(enabled=False):
                yield
    finally:
        mha.set_fastpath_enabled(fused)
