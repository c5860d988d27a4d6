"""Numbers too small for a normal float: some CPUs compute with them tens of times slower.

Every operator of one call is watched. float16 does not count: CPUs compute with its smallest
numbers as normal float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from attnbench.profiling.as_written import as_written
from attnbench.profiling.each_operator import EachOperator, is_view, name_of

SLOW = (torch.float32, torch.float64, torch.bfloat16)
LOOKED_AT = 2**14
"""Elements of each result that are looked at, evenly spread, so that large ones cost no time."""


def denormal_share(call: Callable[[], object]) -> float:
    """Share of the elements that one call computes that are denormal: not zero, but not normal."""
    with as_written(), _Denormals() as found:
        call()
    return found.denormal / found.all if found.all else 0.0


class _Denormals(EachOperator):
    """Counts the elements of all results, those of views and bare allocations left out."""

    def __init__(self) -> None:
        super().__init__()
        self.denormal = 0.0
        self.all = 0

    def see(self, func: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        """Count what it made."""
        if not is_view(func) and "empty" not in name_of(func):
            for leaf in tree_leaves(outputs):
                self._look(leaf)

    def _look(self, leaf: Any) -> None:
        if type(leaf) is not Tensor or leaf.dtype not in SLOW or leaf.layout != torch.strided:
            return
        if not leaf.numel() or leaf.device.type != "cpu":
            return
        some = leaf.detach().reshape(-1)[:: 1 + leaf.numel() // LOOKED_AT].abs()
        small = (some > 0) & (some < torch.finfo(leaf.dtype).smallest_normal)
        self.denormal += small.float().mean().item() * leaf.numel()
        self.all += leaf.numel()
