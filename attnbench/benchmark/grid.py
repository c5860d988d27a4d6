"""Grids of cells: mechanisms × grids × anchor counts × implementations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attnbench.errors import UserError
from attnbench.kernels.table import default_impls
from attnbench.registry import ATTENTIONS
from attnbench.spec import Grid, Workload

FAMILIES = ("dense", "window", "sparse", "anchor")
"""The four families of the paper's comparison; each is also the name of a mechanism."""

BEST = "best"
"""In place of implementations: all that a mechanism has, of which the fastest counts."""


def layer_workloads(
    attentions: Sequence[str],
    grids: Sequence[Grid],
    anchors: Sequence[int],
    impls: Sequence[str] | None = None,
    **common: Any,
) -> list[Workload]:
    """One workload per cell, grid by grid.

    Args:
        attentions: registered names.
        grids: token grids.
        anchors: anchor counts, for the mechanisms that have `num_anchors`.
        impls: implementations that were asked for: each gives a cell, runnable or not. None
            takes the default ones that a mechanism has, `[BEST]` all that it has.
        common: other fields of `Workload`, the same for all.

    Raises:
        UserError: an attention is not registered, or none of them has an implementation that was
            asked for.
    """
    for name in attentions:
        ATTENTIONS.find(name)
    _refuse_unknown(impls or (), attentions)
    return [
        Workload(attention=name, grid=grid, impl=impl, options=options, **common)
        for grid in grids
        for name in attentions
        for options in _options(name, anchors)
        for impl in _impls(name, impls)
    ]


def _options(name: str, anchors: Sequence[int]) -> list[dict[str, Any]]:
    from attnbench.attention.factory import accepted_options, attention_class

    if "num_anchors" not in accepted_options(attention_class(name)):
        return [{}]
    return [{"num_anchors": count} for count in anchors]


def _refuse_unknown(impls: Sequence[str], attentions: Sequence[str]) -> None:
    from attnbench.attention.factory import attention_class

    known = dict.fromkeys(impl for name in attentions for impl in attention_class(name).impls)
    for impl in impls:
        if impl not in (BEST, *known):
            raise UserError(
                f"--impl: none of {', '.join(attentions)} has {impl!r}; they have "
                f"{', '.join(known)} (`attnbench list impls` says which run here)"
            )


def _impls(name: str, asked: Sequence[str] | None) -> Sequence[str]:
    from attnbench.attention.factory import attention_class

    if asked is not None and list(asked) != [BEST]:
        return asked
    known = attention_class(name).impls
    return known if asked is not None else [impl for impl in default_impls() if impl in known]
