"""Python's collector of garbage: whose call it strikes, and how often.

The collector runs when enough objects were made, in whatever call that happens. In a comparison it
would strike one candidate for what another has left behind: a pause may take 200 times as long as
the call. So it is switched off while candidates are timed, except in the calls of those that leave
objects behind: it is their cost, as it is where nothing else is measured. Samples that it struck
are marked.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from attnbench import clocks
from attnbench.profiling.latency.observers import Facts, Observer
from attnbench.records.latency import Latency
from attnbench.units import format_percent, format_seconds

FULL = 20
"""Garbage is collected outside of any timed call when it is so many times what starts a run."""
COUNTED_CALLS, COUNTED_S = 20, 0.1
"""Calls after which the objects that they leave behind are counted, or seconds of them."""


@contextmanager
def collector_off() -> Iterator[None]:
    """Switch the collector off, after it has cleared away what others have left."""
    was_on = gc.isenabled()
    gc.collect(1)
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Pauses(Observer):
    """Of one candidate: what it leaves behind, and how long the collector ran in its samples.

    An object that is left behind is one that refers to itself, directly or in a circle with others,
    and to which nothing else refers: the collector alone can free it.
    """

    def __init__(self) -> None:
        self.left_objects = 0
        """Objects that a call leaves behind, on average."""
        self._pause_s = self._begun_s = 0.0

    def count(self, call: Callable[[], object]) -> None:
        """Call a few times without timing, and count what is left behind; the collector is off."""
        gc.collect(0)
        found, calls, begun = 0, 0, clocks.perf_counter()
        while calls < COUNTED_CALLS and clocks.perf_counter() - begun < COUNTED_S:
            call()
            found += _collect_if_full()
            calls += 1
        self.left_objects = round((found + gc.collect(0)) / calls)

    def exposed(self, call: Callable[[], object]) -> Callable[[], object]:
        """The call, with the collector on if the call makes work for it; what is timed."""
        if not self.left_objects:
            return call

        def struck() -> object:
            gc.enable()
            try:
                return call()
            finally:
                gc.disable()

        return struck

    def start(self) -> None:
        """Listen to the collector."""
        gc.callbacks.append(self._hear)

    def before(self) -> bool:
        """A call is about to be timed."""
        self._pause_s = 0.0
        return True

    def after(self) -> Facts:
        """How long the collector ran; a call may have switched it on."""
        gc.disable()
        paused_s = self._pause_s
        _collect_if_full()
        return {"pauses_s": paused_s}

    def stop(self) -> None:
        """Listen no more."""
        gc.callbacks.remove(self._hear)

    def _hear(self, phase: str, info: Mapping[str, int]) -> None:
        if phase == "start":
            self._begun_s = clocks.perf_counter()
        else:
            self._pause_s += clocks.perf_counter() - self._begun_s


def _collect_if_full() -> int:
    """Keep garbage from filling memory; the number of objects that were found to be garbage."""
    full = gc.get_count()[0] > FULL * max(1, gc.get_threshold()[0])
    return gc.collect(1) if full else 0


def collector_notes(latency: Latency) -> list[str]:
    """What a reader of the latency must know of the collector."""
    left, pauses_s = latency.left_objects, [pause_s for pause_s in latency.pauses_s if pause_s]
    notes = [f"each call leaves {left:,} objects to Python's garbage collector"] if left else []
    if pauses_s:
        share = sum(pauses_s) / sum(latency.samples_s)
        notes.append(
            f"Python's garbage collector runs in {len(pauses_s)} of {len(latency.samples_s)} "
            f"samples, for {format_percent(share)} of their time and at most "
            f"{format_seconds(max(pauses_s))} in one"
        )
    return notes
