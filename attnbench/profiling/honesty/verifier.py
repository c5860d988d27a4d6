"""Verifies calls while they are timed: their output is kept and compared with that of a twin.

Every call meets an input that differs everywhere from the one before. Which calls are verified is
drawn by lot, and nothing that the module sees tells it. For such a call, the output (in modes with
a backward pass: the gradients too) must be plain tensors of the right shape and dtype, equal to
what a copy of the module, never called before, computes from the same weights, input and random
numbers. It must not change any more, and the call must leave input, weights, settings and threads
as they were.
"""

from __future__ import annotations

import torch
from torch import nn

from attnbench import clocks
from attnbench.ambient.threads import Threads, native_threads, native_threads_beyond
from attnbench.ambient.watch import Ambient
from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.honesty.fresh import FreshValues
from attnbench.profiling.honesty.late import LateWork
from attnbench.profiling.honesty.output import Expected, tensors_of
from attnbench.profiling.honesty.schedule import Schedule
from attnbench.profiling.honesty.streams import check_stream
from attnbench.profiling.honesty.twin import Twin, copies
from attnbench.profiling.honesty.values import NO_MEMORY, Values
from attnbench.profiling.honesty.weights import Weights
from attnbench.profiling.latency.modes import INPUT_GRADIENT, OUTPUT, Pass, TrainingStep
from attnbench.profiling.random_state import RandomState

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
        self._call = call
        self._pristine = pristine
        self._expected = expected
        self._fresh = [FreshValues(tensor) for tensor in call.varied]
        self._schedule = Schedule(0)
        self._late = LateWork(call.x)
        self._weights: Weights | None = None
        self._values = Values(expected)
        self._twin: Twin | None = None
        self._strikes = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the outputs, in order of appearance."""
        return self._values.notes

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
        try:
            self._twin = Twin(self._call, self._pristine, self._expected.device)
        except (torch.OutOfMemoryError, MemoryError):
            self._values.say(NO_MEMORY)
        else:
            self._call.keep = True

    def _verify(self, twin: Twin) -> None:
        self._synchronize()
        self._check_threads()
        computed = tensors_of(self._call.computed(), self._expected)
        given = copies(computed)
        after = RandomState(self._expected.device)
        self._check_surroundings(twin)
        try:
            self._values.check(given, twin)
            if after.was_drawn_from(twin.random) and not self._is_backward():
                self._values.say(
                    "draws random numbers; verified beside a copy that drew the same ones"
                )
        finally:
            after.put_back()
        self._check_weights()
        watched = [name for name in computed if name.startswith((OUTPUT, INPUT_GRADIENT))]
        self._late.keep({name: computed[name] for name in watched}, given, sampling=self.round > 0)

    def _is_backward(self) -> bool:
        return OUTPUT not in self._call.computed()

    def _synchronize(self) -> None:
        if self._expected.device.type == "cuda":
            torch.cuda.synchronize(self._expected.device)

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

    def _check_weights(self) -> None:
        if isinstance(self._call, TrainingStep):
            return
        now = Weights(self._call.module)
        changed = self._weights.first_other(now) if self._weights else ""
        self._weights = now
        if changed:
            raise DishonestError(f"the call changes its weights ({changed}): later calls do less")
