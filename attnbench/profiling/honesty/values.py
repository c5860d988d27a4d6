"""Are the results of a call those that a copy computes, and do they depend on the input?"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from attnbench.profiling.honesty.compare import distance, says_nothing, share_not_finite
from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.honesty.output import Expected, tensors_of
from attnbench.profiling.honesty.twin import Twin
from attnbench.profiling.latency.modes import OUTPUT
from attnbench.units import format_percent

SPREAD = 1.5
"""An output whose random numbers cannot be replayed may be so many times further from the twin's
than two twins are from each other."""
NO_MEMORY = "not verified beside a copy of the module: there is no memory for it"


class Values:
    """Checks the values of the calls of one cell, and gathers notes about them."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._said: dict[str, str] = {}
        self._not_finite = 0.0
        self._last: Mapping[str, Tensor] = {}
        self._last_x: Tensor | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the outputs, in order of appearance."""
        return tuple(self._said.values())

    def say(self, note: str, about: str = "") -> None:
        """Add a note; a later one about the same takes the place of an earlier one."""
        self._said[about or note] = note

    def check(self, given: Mapping[str, Tensor], twin: Twin) -> None:
        """Check what a call computed.

        Args:
            given: tensors by name.
            twin: what computes the same.

        Raises:
            DishonestError: a result is not the twin's, or tells by itself that it is none.
        """
        outputs = {name: one for name, one in given.items() if name.startswith(OUTPUT)}
        if self._last_x is not None and torch.equal(self._last_x, twin.x):
            self._last = {}  # in half precision two inputs may be the same
        for name, output in outputs.items():
            self._check_content(name, output)
        self._last, self._last_x = outputs, twin.x
        try:
            expected = tensors_of(twin.compute(), self._expected)
        except (torch.OutOfMemoryError, MemoryError):
            self.say(NO_MEMORY)
            return
        if wrong := self._first_wrong(given, expected):
            self._check_spread(wrong, given, expected, twin)

    def _check_content(self, name: str, output: Tensor) -> None:
        """What an output tells by itself, and beside that of the last verified call."""
        share = share_not_finite(output)
        if share == 1:
            raise DishonestError(
                f"100 % of the {name} is not finite: there is no result to be timed"
            )
        if share > self._not_finite:
            self._not_finite = share
            self.say(f"{format_percent(share)} of the {name} is not finite", about="not finite")
        last = self._last.get(name)
        if last is None or last.shape != output.shape or not torch.equal(last, output):
            return
        if says_nothing(output):
            self.say(f"one output for every input: it is {output.flatten()[0].item():g}")
        elif output.numel():
            raise DishonestError("two inputs get the same output: it answers from memory")

    def _first_wrong(self, given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
        """The name of the first result that is not the twin's, or ""."""
        if missing := expected.keys() - given.keys():
            raise DishonestError(f"the {min(missing)} is missing: a fresh copy has it")
        if own := given.keys() - expected.keys():  # functions that hold on to the module itself
            self.say(f"{len(own)} results not verified: no copy of the module has them")
        for name in given.keys() & expected.keys():
            one, other = given[name], expected[name]
            if one.shape != other.shape or one.dtype != other.dtype:
                raise DishonestError(
                    f"the {name} of a new input has shape {tuple(one.shape)} and {one.dtype}, "
                    f"expected {tuple(other.shape)} and {other.dtype}"
                )
            if not distance(one, other).within(one.dtype):
                return name
        return ""

    def _check_spread(
        self, name: str, given: Mapping[str, Tensor], expected: Mapping[str, Tensor], twin: Twin
    ) -> None:
        """A result may be off where it is random and its random numbers cannot be replayed."""
        again = tensors_of(twin.compute_as_timed(), self._expected)
        if not self._first_wrong(given, again):
            return
        off, spread = (distance(one[name], expected[name]) for one in (given, again))
        if 0 < off.typical <= SPREAD * spread.typical and not off.overflows:
            self.say("draws random numbers of its own; verified only within their spread")
            return
        raise DishonestError(
            f"the {name} of a new input is off by {off.relative:.2g} of its size, beside a fresh "
            "copy of the same weights: it stems from an earlier call"
        )
