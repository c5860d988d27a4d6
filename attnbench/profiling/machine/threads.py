"""How many threads this machine can really give at this moment, found by trial.

Threads meet at the end of every operator. If another program holds one of the cores, all wait for
the one that got no turn, and more threads are slower than fewer. So the number of cores says little
on a shared machine: a chain of short products is timed with 1, 2, 4 … threads in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from attnbench import clocks
from attnbench.profiling.machine.contention import contention_between, usage_now
from attnbench.records.median import percentile

BUDGET_S = 1.5
ROUNDS = 25
LEAST_ROUNDS = 3
"""Rounds that are made even if they take longer than the budget."""
KEPT_BY = 0.75
"""Share of the calls whose time stands for a number of threads. A median would not show that every
third call waits for a thread that has no core."""
GAIN = 0.25
"""Share of a thread's own work by which each further thread must speed up the whole."""
WIDTH = 256
ROWS = 128
"""Rows of the products for each core: enough work for each thread."""
PRODUCTS = 20
"""Products in the chain on one core; fewer on more cores, where each is larger."""
OTHERS_COUNT = 0.1
"""Busy cores from which other programs are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadTrial:
    """What each number of threads took for the same work."""

    seconds: Mapping[int, float]
    """By number of threads, ascending from 1: three of four calls took at most this long."""
    other_cores: float = 0.0
    """Cores that other programs kept busy meanwhile."""

    @property
    def chosen(self) -> int:
        """The most threads of which each step has gained."""
        return self._steps()[0]

    @property
    def text(self) -> str:
        """One line: what was chosen of how many, and why."""
        most = max(self.seconds)
        if most == 1:
            return "1 of 1: this process may use one core"
        chosen, refused = self._steps()
        head = f"{chosen} of {most}"
        if refused is None:
            return f"{head}: {chosen} threads were {self._gain(1, chosen)} as fast as 1"
        why = f"{head}: {refused} threads were {self._gain(chosen, refused)} as fast as {chosen}"
        if self.other_cores < OTHERS_COUNT:
            return f"{why}, though no other program kept a core busy"
        return f"{why}; other programs kept {self.other_cores:.1f} cores busy"

    def _steps(self) -> tuple[int, int | None]:
        """The number chosen, and the first one that was refused."""
        chosen = 1
        for threads, seconds in self.seconds.items():
            least = 1 + GAIN * (threads / chosen - 1)
            if threads > 1 and self.seconds[chosen] / seconds < least:
                return chosen, threads
            chosen = threads
        return chosen, None

    def _gain(self, of: int, to: int) -> str:
        return f"{self.seconds[of] / self.seconds[to]:.2g} times"


_chosen: list[int] = []


def use_threads(threads: int) -> None:
    """Compute with this many threads from now on, in this process and its workers."""
    torch.set_num_threads(threads)
    _chosen[:] = [threads]


def threads_were_chosen() -> bool:
    """Whether the number of threads was set by `use_threads`, and is not torch's own.

    MKL takes fewer threads for small products until it is told a number, even the same one. So
    workers are told one only if this process was.
    """
    return bool(_chosen)


def try_threads(most: int, *, budget_s: float = BUDGET_S) -> ThreadTrial:
    """Time the same work with 1, 2, 4 … threads in turn, up to `most`.

    The number of threads of this process is put back afterwards.

    Args:
        most: cores that may be used.
        budget_s: seconds after which no further round begins.
    """
    before, work = torch.get_num_threads(), _chain_of_products(most)
    times: dict[int, list[float]] = {threads: [] for threads in candidates(most)}
    usage, start = usage_now(), clocks.perf_counter()
    try:
        for done in range(ROUNDS):
            if done >= LEAST_ROUNDS and clocks.perf_counter() - start > budget_s:
                break
            for threads, taken in times.items():
                taken.append(_time_with(threads, work))
    finally:
        torch.set_num_threads(before)
    found = contention_between(usage, usage_now())
    return ThreadTrial(
        seconds={threads: percentile(taken, KEPT_BY) for threads, taken in times.items()},
        other_cores=found.other_cores + found.stolen_cores if found else 0.0,
    )


def candidates(most: int) -> list[int]:
    """Numbers of threads to try: powers of two, all cores, and all but one."""
    powers = (2**i for i in range(most.bit_length()))
    return sorted({n for n in (*powers, most - 1, most) if 1 <= n <= most})


def _time_with(threads: int, work: Callable[[], None]) -> float:
    """Seconds of the work; it is done twice, as the first time starts the threads."""
    torch.set_num_threads(threads)
    work()
    start = clocks.perf_counter()
    work()
    return clocks.perf_counter() - start


def _chain_of_products(cores: int) -> Callable[[], None]:
    """Some milliseconds of work on one thread, in operators of some hundred microseconds."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS * cores, WIDTH, generator=generator)
    weight = torch.randn(WIDTH, WIDTH, generator=generator)
    y = torch.empty_like(x)

    @torch.inference_mode()
    def work() -> None:
        for _ in range(max(2, PRODUCTS // cores)):
            torch.mm(x, weight, out=y)
            y.relu_()

    return work
