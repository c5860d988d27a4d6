"""Implementations: what a row of their table says, and the questions that are asked of it.

The name of a mechanism is its mathematics; an implementation is code for it. The rows stand in
`kernels/table.py`, which is read at the first question. A plug-in's mechanism may have names of its
own. Nothing is known of those: they are tried, and count as fused.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

TABLE = "attnbench.kernels.table"
ANY_KERNEL = "any"
"""Torch picks the kernel of its fused attention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impl:
    """One implementation, for every mechanism that names it."""

    name: str
    summary: str
    fused: bool
    """Whether intermediates stay on the chip. False: plain operators, each of which reads and
    writes memory."""
    materialises: str = ""
    """What it writes to memory besides its output, for n tokens and m anchors; "" for nothing that
    grows with both."""
    devices: tuple[str, ...] = ()
    """Device types that it runs on; () for all."""
    dtypes: tuple[str, ...] = ()
    """Dtypes that it takes on every one of its devices; () where each device has its own rule."""
    default: bool = False
    """Whether it is measured where no implementation is asked for."""
    compiled: bool = False
    """Whether torch compiles it at the first call. It would fall back to eager code if its
    operators were watched."""
    sdpa_kernel: str = ""
    """The kernel of torch's fused attention that it asks for: "any", "flash" …; "" for none."""
    reason: str = ""
    """Import string of a function `CallConditions -> str | None` that says why it cannot run;
    "" where it runs everywhere."""


@cache
def _table() -> Mapping[str, Impl]:
    rows: Mapping[str, Impl] = importlib.import_module(TABLE).IMPLS
    return rows


def find_impl(name: str) -> Impl | None:
    """The row of that name; None for a name that only a plug-in knows."""
    return _table().get(name)


def default_impls() -> tuple[str, ...]:
    """What is measured where nothing is asked for, for each mechanism that has it."""
    return tuple(row.name for row in _table().values() if row.default)


def is_fused(name: str) -> bool:
    """Whether intermediates stay on the chip; a name that is not in the table counts as fused."""
    row = find_impl(name)
    return row is None or row.fused


def expected_kernel(name: str) -> str:
    """The kernel of torch's fused attention that a call asks for.

    Returns:
        "flash", "efficient", "cudnn" or "math"; "any" where torch picks a fused one; "" where the
        implementation asks for none, or nothing is known of it.
    """
    row = find_impl(name)
    return row.sdpa_kernel if row else ""


def may_use_sdpa(name: str) -> bool:
    """Whether to watch a call for torch's fused attention; a name not in the table may use it."""
    row = find_impl(name)
    return row is None or bool(row.sdpa_kernel)
