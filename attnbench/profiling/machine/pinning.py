"""Pinning: this process stays on as many cores as it has threads, the quietest ones."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from attnbench.cores import allowed_cores
from attnbench.errors import UserError

LOOK_S = 0.2
"""Seconds over which the load of each core is taken."""
ALIKE = 10.0
"""Loads are compared in steps of this many percent: a tick of the system's clock is no load."""
TOPOLOGY = Path("/sys/devices/system/cpu")


def pin(threads: int) -> list[int]:
    """Hold this process, and those that it starts, to the quietest cores.

    Returns:
        The numbers of the cores, as many as `threads`; all that it may run on if there are no more.

    Raises:
        UserError: the system cannot do that, or refuses it.
    """
    allowed = allowed_cores()
    if not allowed:
        raise UserError("--pin: this system (macOS?) cannot hold a process to cores; leave it out")
    if len(allowed) <= threads:
        return allowed
    chosen = quietest(threads, _load_of(allowed), {core: _siblings(core) for core in allowed})
    try:
        _hold_to(chosen)
    except OSError as error:
        raise UserError(
            f"--pin: the system does not let this process choose its cores ({error.strerror}); "
            "leave --pin out"
        ) from None
    return chosen


def quietest(
    count: int, load: Mapping[int, float], siblings: Mapping[int, frozenset[int]]
) -> list[int]:
    """The least busy cores, and of equally busy ones those that share no physical core.

    Args:
        count: how many.
        load: percent of the time in which each core was busy.
        siblings: the cores that share a physical core with each, itself included.
    """
    chosen: list[int] = []
    while len(chosen) < count:
        chosen.append(
            min(
                (core for core in load if core not in chosen),
                key=lambda core: (round(load[core] / ALIKE), len(siblings[core] & {*chosen}), core),
            )
        )
    return sorted(chosen)


def _load_of(cores: Sequence[int]) -> dict[int, float]:
    """Percent of the time in which each core was busy; cores that the system leaves out are 0."""
    busy = psutil.cpu_percent(LOOK_S, percpu=True)
    return {core: busy[core] if core < len(busy) else 0.0 for core in cores}


def _siblings(core: int) -> frozenset[int]:
    """The cores that share a physical core with this one, as Linux lists them: "0,4" or "0-1"."""
    file = TOPOLOGY / f"cpu{core}" / "topology" / "thread_siblings_list"
    try:
        text = file.read_text()
    except OSError:
        return frozenset({core})
    spans = re.findall(r"(\d+)(?:-(\d+))?", text)
    return frozenset(n for low, high in spans for n in range(int(low), int(high or low) + 1))


def _hold_to(cores: Sequence[int]) -> None:
    """Move all threads of this process; those that they start stay with them."""
    if not hasattr(os, "sched_setaffinity"):  # Windows holds whole processes
        psutil.Process().cpu_affinity(list(cores))
        return
    for thread in psutil.Process().threads():
        try:
            os.sched_setaffinity(thread.id, cores)
        except ProcessLookupError:  # it has just ended
            continue
