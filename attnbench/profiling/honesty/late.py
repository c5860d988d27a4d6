"""Outputs that still change after their call has returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from attnbench.profiling.honesty.dishonest import DishonestError


@dataclass(frozen=True, slots=True)
class _Kept:
    """Outputs, and their values when the call had returned."""

    outputs: Mapping[str, Tensor]
    at_once: Mapping[str, Tensor]

    def check(self) -> None:
        for name, output in self.outputs.items():
            if not same(output.detach(), self.at_once[name]):
                raise DishonestError(
                    f"the {name} still changes after the call has returned: a part of the work "
                    "comes after the clock has stopped"
                )


class LateWork:
    """Looks again at outputs: before the next call, and one of them at the end of sampling.

    The last look is not possible where the module writes each output into the same memory.
    """

    def __init__(self, x: Tensor) -> None:
        self._x = _place(x)
        self._fresh: _Kept | None = None
        self._kept: _Kept | None = None
        self._writes_over = False

    def keep(
        self, outputs: Mapping[str, Tensor], at_once: Mapping[str, Tensor], *, sampling: bool
    ) -> None:
        """Watch the outputs of a call.

        Args:
            outputs: by name.
            at_once: their values when the call had returned.
            sampling: whether the first of them may be kept until the end.

        Raises:
            DishonestError: they have changed already.
        """
        self._fresh = _Kept(outputs, at_once)
        self._fresh.check()
        places = {_place(one) for one in outputs.values()}
        if self._kept is None:
            name = next(iter(outputs), "")
            if sampling and name and self._x not in places:
                self._kept = _Kept({name: outputs[name]}, {name: at_once[name]})
        elif places & {_place(one) for one in self._kept.outputs.values()}:
            self._writes_over = True

    def look(self) -> None:
        """Before the next call: the last outputs must be as they were.

        Raises:
            DishonestError: they are not.
        """
        last, self._fresh = self._fresh, None
        if last:
            last.check()

    def look_at_the_kept(self) -> None:
        """At the end: the output that was kept must be as it was.

        Raises:
            DishonestError: it is not.
        """
        kept, self._kept = self._kept, None
        if kept and not self._writes_over:
            kept.check()


def same(one: Tensor, other: Tensor) -> bool:
    """Whether all elements are equal; NaN equals NaN."""
    if torch.equal(one, other):
        return True
    return bool(((one == other) | ((one != one) & (other != other))).all())


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
