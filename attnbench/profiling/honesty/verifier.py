"""Verifies calls while they are timed: their output is kept and compared with that of a twin.

Every call meets an input that differs everywhere from the one before. Which calls are verified is
drawn by lot, and nothing that the module sees tells it. For such a call, the output (in modes with
a backward pass: the gradients too) must be plain tensors of the right shape and dtype, equal to
what a copy of the module, never called before, computes from the same weights, input and random
numbers. It must not change any more, and the call must leave input, weights, settings and threads
as they were.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from attnbench import clocks
from attnbench.ambient.threads import Threads, native_threads, native_threads_beyond
from attnbench.ambient.watch import Ambient
from attnbench.profiling.honesty.compare import distance, says_nothing, share_not_finite
from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.honesty.fresh import FreshValues
from attnbench.profiling.honesty.late import LateWork
from attnbench.profiling.honesty.output import Expected, tensors_of
from attnbench.profiling.honesty.schedule import Schedule
from attnbench.profiling.honesty.streams import check_stream
from attnbench.profiling.honesty.twin import Twin, copies
from attnbench.profiling.honesty.weights import Weights
from attnbench.profiling.latency.modes import OUTPUT, Pass, TrainingStep
from attnbench.profiling.random_state import RandomState
from attnbench.units import format_percent

SPREAD = 1.5
"""An output whose random numbers cannot be replayed may be so many times further from the twin's
than two twins are from each other."""
NATIVE_STRIKES = 2
"""Verified calls that leave native threads behind; torch adds to its pools once, not each time."""


class Verifier:
    """Gives a call new inputs, and verifies some of its runs."""

    def __init__(self, call: Pass, pristine: nn.Module, expected: Expected) -> None:
        """Prepare for a call.

        Args:
            call: what is timed.
            pristine: a copy of its module that was never called.
            expected: what is due from the call.
        """
        self.round = 0
        """Rounds that are done; 0 in warm-up."""
        self._said: dict[str, str] = {}
        self._not_finite = 0.0
        self._call = call
        self._pristine = pristine
        self._expected = expected
        self._fresh = [FreshValues(tensor) for tensor in call.varied]
        self._schedule = Schedule(0)
        self._late = LateWork(call.x)
        self._weights: Weights | None = None
        self._last: Mapping[str, Tensor] = {}
        self._last_x: Tensor | None = None
        self._twin: Twin | None = None
        self._strikes = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the outputs, in order of appearance."""
        return tuple(self._said.values())

    def begin(self, rounds: int) -> None:
        """Sampling begins, which takes so many rounds unless time is over before."""
        self.round = 0
        self._schedule = Schedule(rounds)

    def prepare(self, *, verify: bool = False) -> None:
        """Before a call: give it a new input, and decide whether it is verified."""
        start = clocks.perf_counter()
        self._late.look()
        for fresh in self._fresh:
            fresh.renew()
        if verify or self._schedule.draw(self.round):
            self._remember()
        self._called_at = clocks.perf_counter()
        self._prepared_s = self._called_at - start

    def inspect(self) -> None:
        """After a call: verify it, if that was decided.

        Raises:
            DishonestError: it did not do its work; the message says what was expected and came.
        """
        returned = clocks.perf_counter()
        self._schedule.called(returned - self._called_at)
        if self._twin is None:
            return
        try:
            self._verify(self._twin)
        finally:
            self._call.drop()
            self._twin = None
        self._schedule.verified(self._prepared_s + clocks.perf_counter() - returned)

    def run_verified(self) -> None:
        """Call once, outside of any timing, and verify it.

        Raises:
            DishonestError: see `inspect`.
        """
        self.prepare(verify=True)
        self._call()
        self.inspect()

    def finish(self) -> None:
        """Verify a last call, and look again at an output that was kept since sampling began.

        Raises:
            DishonestError: see `inspect`.
        """
        self.run_verified()
        check_stream(self._call, self._expected.device)
        self._late.look()
        self._late.look_at_the_kept()

    def _remember(self) -> None:
        """What must be known from before the call."""
        self._threads, self._native = Threads(), native_threads()
        self._ambient = Ambient()
        self._twin = Twin(self._call, self._pristine, self._expected.device)
        self._call.keep = True

    def _verify(self, twin: Twin) -> None:
        self._synchronize()
        self._check_threads()
        computed = tensors_of(self._call.computed(), self._expected)
        given = copies(computed)
        after = RandomState(self._expected.device)
        self._check_surroundings(twin)
        try:
            self._check_values(given, twin)
            if after.was_drawn_from(twin.random) and not self._is_backward():
                self._say("draws random numbers; verified beside a copy that drew the same ones")
        finally:
            after.put_back()
        self._check_weights()
        self._late.keep(computed, given, sampling=self.round > 0)

    def _is_backward(self) -> bool:
        return OUTPUT not in self._call.computed()

    def _synchronize(self) -> None:
        if self._expected.device.type == "cuda":
            torch.cuda.synchronize(self._expected.device)

    def _say(self, note: str, about: str = "") -> None:
        """A later note about the same takes the place of an earlier one."""
        self._said[about or note] = note

    def _check_threads(self) -> None:
        if left := self._threads.left_running():
            raise DishonestError(
                f"{'; '.join(left)}: work may go on after the clock has stopped; wait for it "
                "before returning"
            )
        grown = native_threads_beyond(self._native)
        self._strikes = self._strikes + 1 if grown > 0 else 0
        if self._strikes >= NATIVE_STRIKES:
            raise DishonestError(
                f"threads left running: {grown} more of the system's threads after each call; "
                "wait for them before returning"
            )

    def _check_surroundings(self, twin: Twin) -> None:
        if changes := self._ambient.put_back():
            raise DishonestError(
                f"the call {', '.join(changes)}; put back. Restore settings before returning"
            )
        if not torch.equal(self._call.x.detach(), twin.x):
            raise DishonestError("the call changes its input, so later calls see other data")

    def _check_values(self, given: Mapping[str, Tensor], twin: Twin) -> None:
        outputs = {name: one for name, one in given.items() if name.startswith(OUTPUT)}
        if self._last_x is not None and torch.equal(self._last_x, twin.x):
            self._last = {}  # in half precision two inputs may be the same
        for name, output in outputs.items():
            self._check_content(name, output)
        self._last, self._last_x = outputs, twin.x
        try:
            expected = tensors_of(twin.compute(), self._expected)
        except (torch.OutOfMemoryError, MemoryError):
            self._say("not verified beside a copy of the module: there is no memory for it")
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
            self._say(f"{format_percent(share)} of the {name} is not finite", about="not finite")
        last = self._last.get(name)
        if last is None or last.shape != output.shape or not torch.equal(last, output):
            return
        if says_nothing(output):
            self._say(f"one output for every input: it is {output.flatten()[0].item():g}")
        elif output.numel():
            raise DishonestError("two inputs get the same output: it answers from memory")

    def _first_wrong(self, given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
        """The name of the first result that is not the twin's, or ""."""
        if missing := given.keys() ^ expected.keys():
            raise DishonestError(f"the {min(missing)} is there only in the call or in its copy")
        for name, one in given.items():
            other = expected[name]
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
        off = distance(given[name], expected[name])
        again = tensors_of(twin.compute(), self._expected)
        if compiled(self._call.module):  # compiled code draws other numbers than the code it is of
            again = tensors_of(twin.compute_otherwise(), self._expected)
        spread = distance(again[name], expected[name])
        if 0 < off.typical <= SPREAD * spread.typical and not off.overflows:
            self._say("draws random numbers of its own; verified only within their spread")
            return
        raise DishonestError(
            f"the {name} of a new input is off by {off.relative:.2g} of its size, beside a fresh "
            "copy of the same weights: it stems from an earlier call"
        )

    def _check_weights(self) -> None:
        if isinstance(self._call, TrainingStep):
            return
        now = Weights(self._call.module)
        changed = self._weights.first_other(now) if self._weights else ""
        self._weights = now
        if changed:
            raise DishonestError(f"the call changes its weights ({changed}): later calls do less")


def compiled(module: nn.Module) -> bool:
    """Whether a part of the module is compiled code."""
    found = (value for one in module.modules() for value in [*vars(one).values(), one])
    return any(
        hasattr(value, "_torchdynamo_orig_callable") or hasattr(value, "_orig_mod")
        for value in found
    )
